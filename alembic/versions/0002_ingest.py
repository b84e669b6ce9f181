"""Token transfers, outputs spent and made, reorgs, streams, labels and prices."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
