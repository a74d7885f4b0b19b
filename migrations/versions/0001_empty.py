"""An empty revision: it shows that settings, connection and rights are correct before there is data
to lose.

Revision ID: 0001
Revises:
"""

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
