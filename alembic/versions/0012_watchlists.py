"""Watched lists, and the transactions that have to do with what is on them."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
