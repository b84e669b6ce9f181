"""Findings of what is over by itself: restarts and lost connections."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
