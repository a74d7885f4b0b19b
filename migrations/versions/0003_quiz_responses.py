"""Creates quiz_responses, which belong to a user.

Revision ID: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("""
        CREATE TABLE quiz_responses (
            id      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            user_id uuid NOT NULL REFERENCES users (id),
            answers jsonb NOT NULL CONSTRAINT quiz_responses_answers_object CHECK (jsonb_typeof(answers) = 'object')
        )
    """)
    op.execute("SELECT add_timestamps('quiz_responses')")
    op.execute("SELECT add_soft_delete('quiz_responses')")
    op.execute("CREATE INDEX quiz_responses_page_idx ON quiz_responses (user_id, created_at, id)"
               " WHERE deleted_at IS NULL")


def downgrade():
    op.execute("DROP TABLE quiz_responses")
