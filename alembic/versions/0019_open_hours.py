"""Where closed hours end, for every question about the busiest."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
