"""Keys of the API."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
