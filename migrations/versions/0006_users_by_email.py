"""Adds an index for pages of users ordered by e-mail address.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("CREATE INDEX users_email_page_idx ON users (email, id) WHERE deleted_at IS NULL")


def downgrade():
    op.execute("DROP INDEX users_email_page_idx")
