"""Room for a caption and a file name in any script"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _widen(2000, 4000)


def downgrade() -> None:
    op.execute("UPDATE upload SET metadata_header = '' WHERE length(metadata_header) > 2000")
    _widen(4000, 2000)


# A batch, which copies the table on SQLite, is harmless here: no row refers to an upload.
def _widen(before: int, after: int) -> None:
    with op.batch_alter_table("upload") as table:
        table.alter_column("metadata_header", existing_type=sa.String(before), type_=sa.String(after))
