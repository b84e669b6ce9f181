"""Who is told of alerts: messages to channels, and every attempt to deliver them."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
