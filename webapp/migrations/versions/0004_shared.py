"""When a link's address left the desk"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


# Not in a batch: SQLite would copy the table, drop the old one, and with it all rows that refer to it.
def upgrade() -> None:
    op.add_column("link", sa.Column("shared_at", sa.Double(), nullable=True))
    op.execute("UPDATE link SET shared_at = created_at")  # until now a link counted as sent once it was made


def downgrade() -> None:
    op.drop_column("link", "shared_at")
