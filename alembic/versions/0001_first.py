"""The ledger, the transactions, their rollups and the views on them."""

from alembic import context, op
from sqlalchemy import text

from txhub.store.migrate import apply_files

revision = "0001"
down_revision = None


def upgrade() -> None:
    edition = context.config.attributes["edition"]
    apply_files(op.get_bind(), revision, edition)
    op.get_bind().execute(text("INSERT INTO txhub.installation (edition) VALUES (:edition)"), {"edition": edition})
