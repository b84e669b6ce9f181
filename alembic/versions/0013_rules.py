"""What detection keeps beside rules and alerts: pinned quantiles, and jobs."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
