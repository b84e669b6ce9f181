"""Models are trained on what is committed, kept by version, and what they find is kept with its reasons."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.blocks import ETHEREUM, START, make_blocks, make_branch
from txhub.detect.anomalies import oddest, read_features, read_model, train_edge
from txhub.detect.anomalyrunner import AnomalyRunner
from txhub.detect.defaults import keep_rules
from txhub.detect.edgerunner import EdgeRunner
from txhub.detect.features import Subject, features, rows_of
from txhub.detect.forest import grow
from txhub.errors import NotFound, UsageError
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


async def test_transactions_are_judged_as_they_come_again_and_after_a_reorg(database: str) -> None:
    blocks = make_blocks(range(1000), transactions=6)
    hour = SINCE + 3 * HOUR
    now = next(number for number, block in enumerate(blocks) if block.time >= hour)
    async with open_pool(database, name="test", size=2) as pool, Reader(database, 2) as reader:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(blocks[:now], bulk=True)
        assert not await EdgeRunner(pool, reader).catch_up()
        trained = await train_edge(pool, reader, ETHEREUM, SINCE, hour, seed=2)
        assert trained == await train_edge(pool, reader, ETHEREUM, SINCE, hour, seed=2)
        assert trained[0] == 1
        with pytest.raises(NotFound):
            await read_model(pool, ETHEREUM, Subject.TRANSACTION)  # it is no forest

        async def found() -> list[tuple[object, ...]]:
            rows = await pool.fetch(
                "SELECT started_at, subject, score, reasons FROM txhub.anomalies WHERE started_at >= $1 ORDER BY 1, 2",
                hour,
            )
            return [tuple(row) for row in rows]

        runner = EdgeRunner(pool, reader)
        for first in range(now, now + 40, 8):
            await ledger.commit(blocks[first : first + 8])
            assert await runner.catch_up()
        live = await found()
        assert len(live) == 100
        assert all("usually" in row[3] for row in live)
        await pool.execute("DELETE FROM txhub.anomalies")
        await EdgeRunner(pool, reader).catch_up()
        assert await found() == live
        await ledger.replace(now + 29, make_branch(range(now + 30, now + 42), "other", fork=now + 29))
        await runner.catch_up()
        replaced = await found()
        assert replaced != live
        await EdgeRunner(pool, reader).catch_up()
        assert await found() == replaced


async def test_the_rule_raises_the_first_few_of_a_day_and_follows_changes(database: str) -> None:
    async with open_pool(database, name="test", size=2) as pool, Reader(database, 2) as reader:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(make_blocks(range(500), transactions=10))
        rows = await read_features(reader, ETHEREUM, Subject.ADDRESS, SINCE, SINCE + 2 * HOUR)
        with pytest.raises(UsageError):
            grow(Subject.ADDRESS, rows)  # fifty addresses in two hours
        by = Subject.TRANSACTION
        rows = await read_features(reader, ETHEREUM, by, SINCE, SINCE + 2 * HOUR)
        forest = grow(by, rows)
        said = {"rows": forest.rows, "seed": 1, "quantiles": forest.quantiles, "parameters": forest.parameters}
        await keep_model(pool, 1, by, forest.digest, (SINCE, SINCE + 2 * HOUR), splits=forest.blob(), **said)
        bar = float(sorted(forest.scores(rows))[-40])
        rule = {"pattern": "anomaly", "by": by.value, "score": bar, "top": 4, "severity": "low"}
        await keep_rules(pool, {"odd": rule})

        async def standing() -> list[tuple[str, float, bool]]:
            found = await pool.fetch(
                "SELECT subject, (details->>'score')::float8 AS score, test FROM txhub.alerts"
                " WHERE chain_state <> 'retracted' ORDER BY started_at, subject"
            )
            return [tuple(row) for row in found]

        runner = AnomalyRunner(pool, reader)
        await runner.catch_up()
        raised = await standing()
        assert len(raised) == 4  # of forty, in the two hours of that day that are over
        assert all(score >= round(bar, 4) and not test for _, score, test in raised)
        await runner.catch_up()
        await AnomalyRunner(pool, reader).catch_up()
        assert await standing() == raised
        assert await pool.fetchval("SELECT count(*) FROM txhub.alert_events") == len(raised)
        gone = bytes.fromhex(raised[0][0][2:])
        await pool.execute("DELETE FROM txhub.transactions WHERE hash = $1", gone)
        await pool.execute("UPDATE txhub.blocks SET committed_at = clock_timestamp() WHERE number = 1")
        await runner.catch_up()
        after = await standing()
        assert raised[0] not in after
        assert len(after) == len(raised)
