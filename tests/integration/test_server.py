"""The private server: made, found again, shared, stopped, and given ones left alone."""

from __future__ import annotations

import psycopg

from txhub.store.edition import Edition
from txhub.store.migrate import migrate


def test_migrates_as_the_ordinary_role(database: str, edition: Edition) -> None:
    state, reason = migrate(database)
    assert state.edition is edition, reason
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
