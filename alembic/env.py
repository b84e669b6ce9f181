"""Alembic's entry point; `txhub.store.migrate` calls it with an open connection."""

from alembic import context
from sqlalchemy import text

connection = context.config.attributes["connection"]
connection.execute(text("CREATE SCHEMA IF NOT EXISTS txhub"))
context.configure(connection=connection, version_table_schema="txhub", transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
