"""Models are trained on what is committed, kept by version, and what they find is kept with its reasons."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.blocks import ETHEREUM, START, make_blocks
from txhub.detect.anomalies import oddest, read_features, read_model
from txhub.detect.features import Subject, features, rows_of
from txhub.detect.forest import grow
from txhub.errors import NotFound
from txhub.store.ledger import Ledger
from txhub.store.models import keep_found, keep_model, read_found
from txhub.store.pool import open_pool
from txhub.store.read import Reader

HOUR = timedelta(hours=1)
SINCE = START.replace(minute=0)


async def test_a_model_is_kept_read_and_used(database: str) -> None:
    blocks = make_blocks(range(100), transactions=30)
    until = SINCE + HOUR
    async with open_pool(database, name="test", size=2) as pool, Reader(database, 1) as reader:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(blocks)
        with pytest.raises(NotFound) as unknown:
            await read_model(pool, ETHEREUM, Subject.TRANSACTION)
        assert "txhub anomaly train" in str(unknown.value.hint)
        rows = await read_features(reader, ETHEREUM, Subject.TRANSACTION, SINCE, until)
        assert rows.equals(features(Subject.TRANSACTION, rows_of(ETHEREUM, blocks), SINCE))

        async def keep(seed: int) -> tuple[int, int]:
            forest = grow(Subject.TRANSACTION, rows, seed)
            return await keep_model(
                pool,
                ETHEREUM.chain_id,
                Subject.TRANSACTION,
                forest.digest,
                (SINCE, until),
                rows=forest.rows,
                seed=seed,
                quantiles=forest.quantiles,
                parameters=forest.parameters,
                splits=forest.blob(),
            )

        first = await keep(1)
        assert await keep(1) == first
        assert (await keep(2))[1] == 2
        stored, forest = await read_model(pool, ETHEREUM, Subject.TRANSACTION)
        assert (stored.version, stored.seed, stored.trained_to) == (2, 2, until)
        assert forest.digest == grow(Subject.TRANSACTION, rows, 2).digest
        found = oddest(forest, rows, 5)
        await keep_found(pool, stored.id, SINCE, until, found)
        await keep_found(pool, stored.id, SINCE, until, found)
        assert await pool.fetchval("SELECT count(*) FROM txhub.anomalies") == 5
        ((version, odd),) = await read_found(pool, ETHEREUM.chain_id, found[0].subject)
        assert version == 2
        assert (odd.score, odd.reasons) == (found[0].score, found[0].reasons)
        assert found[0].score == max(each.score for each in found)
