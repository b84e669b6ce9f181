"""The busiest of whole days."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
