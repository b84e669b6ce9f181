"""Models of what is usual, and what they found unlike the rest."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
