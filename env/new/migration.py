"""notes

Revision ID: NEXT
Revises: HEAD
"""

from alembic import op

revision = "NEXT"
down_revision = "HEAD"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("""
        CREATE TABLE notes (
            id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            title text NOT NULL CONSTRAINT notes_title_length CHECK (char_length(title) BETWEEN 1 AND 200)
        )
    """)
    op.execute("SELECT add_timestamps('notes')")
    op.execute("SELECT add_soft_delete('notes')")
    op.execute("CREATE INDEX notes_page_idx ON notes (created_at, id) WHERE deleted_at IS NULL")


def downgrade():
    op.execute("DROP TABLE notes")
