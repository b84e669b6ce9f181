"""What a commit asks of the edition is for who commits; in the plain one it is done with the owner's rights."""

from alembic import context, op

from txhub.store.migrate import apply_files

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    apply_files(op.get_bind(), revision, context.config.attributes["edition"])
