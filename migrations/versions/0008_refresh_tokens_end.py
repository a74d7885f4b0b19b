"""Adds an index for deleting expired refresh tokens.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("CREATE INDEX refresh_tokens_expires_at_idx ON refresh_tokens (expires_at)")


def downgrade():
    op.execute("DROP INDEX refresh_tokens_expires_at_idx")
