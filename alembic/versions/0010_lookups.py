"""Lookups of one thing: explorers, and indexes by hash, label and symbol."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
