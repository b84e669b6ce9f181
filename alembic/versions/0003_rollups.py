"""Values, tokens, the busiest and the active addresses by hour."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
