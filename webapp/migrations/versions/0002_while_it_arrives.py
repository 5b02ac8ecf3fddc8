"""While it arrives"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


# Not in a batch: SQLite would copy the table, drop the old one, and with it all rows that refer to it.
def upgrade() -> None:
    op.add_column('asset', sa.Column('speed', sa.Double(), nullable=True))
    op.add_column('asset', sa.Column('hint_key', sa.String(length=200), nullable=True))
    op.add_column('asset', sa.Column('hint_offset', sa.BigInteger(), nullable=True))
    op.add_column('asset', sa.Column('hint_length', sa.BigInteger(), nullable=True))
    op.add_column('claim', sa.Column('needs', sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column('claim', 'needs')
    op.drop_column('asset', 'hint_length')
    op.drop_column('asset', 'hint_offset')
    op.drop_column('asset', 'hint_key')
    op.drop_column('asset', 'speed')
