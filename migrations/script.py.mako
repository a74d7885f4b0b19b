"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}

Write plain SQL. Each revision is one transaction. SELECT add_timestamps('t') and SELECT
add_soft_delete('t') give a table those columns. Write \\: for a colon before a word that is not a
cast, as in '{"a"\\:true}'. A statement that cannot run in a transaction (CREATE INDEX CONCURRENTLY)
goes into `with op.get_context().autocommit_block():`.
"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade():
    op.execute("""
        SELECT 1
    """)


def downgrade():
    op.execute("""
        SELECT 1
    """)
