"""Findings and services."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
