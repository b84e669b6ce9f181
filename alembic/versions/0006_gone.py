"""What reorgs took away for good."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
