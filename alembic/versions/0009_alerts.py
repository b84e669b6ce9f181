"""Rules, and the alerts that they raise."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
