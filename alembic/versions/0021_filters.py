"""Bloom filters of days, by which hashes and addresses are searched for in all of history."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
