"""The archive's manifest, and the horizon below which raw rows are gone."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
