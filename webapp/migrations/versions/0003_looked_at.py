"""When the bytes of an erased asset were last removed"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


# Not in a batch: SQLite would copy the table, drop the old one, and with it all rows that refer to it.
def upgrade() -> None:
    op.add_column('erasure', sa.Column('looked_at', sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column('erasure', 'looked_at')
