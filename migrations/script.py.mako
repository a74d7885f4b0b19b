"""${message}

Revision ID: ${up_revision}
Revises: ${down_revision | comma,n}
Create Date: ${create_date}

Plain SQL, one transaction a revision. SELECT add_timestamps('t') and SELECT add_soft_delete('t') give a table those
columns. Write \\: for a colon that stands before a word and is no cast, as in '{"a"\\:true}'. What cannot run in a
transaction (CREATE INDEX CONCURRENTLY) goes into `with op.get_context().autocommit_block():`.
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
