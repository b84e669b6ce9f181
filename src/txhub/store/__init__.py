"""PostgreSQL and TimescaleDB: the server, the edition, the ledger and what is written through it."""
