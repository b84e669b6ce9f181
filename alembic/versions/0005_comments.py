"""What every column means."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
