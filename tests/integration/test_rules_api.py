"""Rules over HTTP and by the command line, and backtests of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.blocks import ETHEREUM, START, make_blocks
from tests.commands import environment, run
from txhub.api.access import Admission
from txhub.api.app import create_app
from txhub.client import ApiError, AsyncClient
from txhub.config import Settings
from txhub.contract import JobState, RuleState, Severity
from txhub.detect.defaults import DEFAULTS, keep_rules
from txhub.detect.facts import Facts
from txhub.detect.jobs import do_next
from txhub.detect.look import look
from txhub.detect.rows import rows_of
from txhub.detect.rules import define
from txhub.errors import SettingError
from txhub.store import jobs
from txhub.store.keys import Role, create_key
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool
from txhub.store.read import Reader
from txhub.store.rules import read_rules

BLOCKS = make_blocks(range(120))
NOW = START + timedelta(hours=2)
LARGE = {"pattern": "amount", "amount": "900000"}
FAN_IN = {"pattern": "fan_in", "scope": {}, "count": 4, "window": "8m", "least": "300000", "sudden": 0.0}


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(BLOCKS, bulk=True)
        await keep_rules(pool, {})
        yield pool


@asynccontextmanager
async def api(database: str, admission: Admission = Admission.LOCAL) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(database, Settings(), admission=admission, clock=lambda: NOW)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8050") as client:
        yield client


@asynccontextmanager
async def client_of(database: str) -> AsyncIterator[AsyncClient]:
    async with api(database) as http, AsyncClient("http://127.0.0.1:8050") as client:
        own, client._http = client._http, http
        yield client
    await own.aclose()


async def test_rules_are_made_changed_and_ended(database: str, pool: Pool) -> None:
    async with client_of(database) as client:
        known = await client.rules()
        assert {each.name for each in known} == set(DEFAULTS)
        assert {each.origin for each in known} == {"default"}
        made = await client.create_rule("mine", definition=LARGE, severity="high")
        assert (made.version, made.state, made.severity) == (1, RuleState.ON, Severity.HIGH)
        assert made.definition == define(LARGE).document()
        tried = await client.change_rule("mine", state="test")
        assert (tried.version, tried.state, tried.severity) == (1, RuleState.TEST, Severity.HIGH)
        changed = await client.change_rule("mine", definition=LARGE | {"amount": "5"})
        assert (changed.version, changed.state) == (2, RuleState.TEST)
        assert await client.rule("mine") == changed
        with pytest.raises(ApiError, match="changed mine at") as stale:
            await client.change_rule("mine", severity="low", changed_at=made.changed_at)
        assert stale.value.answer_status == 412
        assert await client.rule("mine") == changed
        assert (
            await client.change_rule("mine", severity="low", changed_at=changed.changed_at)
        ).severity == Severity.LOW
        off = await client.change_rule("fan-in", state="off")
        assert (off.origin, off.version) == ("default", 1)
        for wrong, status, words in (
            (client.create_rule("mine", definition=LARGE), 400, "there is a rule 'mine' already"),
            (client.change_rule("mine", definition=LARGE | {"amount": {"usd": "x"}}), 400, "amount.usd is 'x'"),
            (client.change_rule("other", state="off"), 404, "there is no rule 'other'"),
            (client.delete_rule("fan-in"), 400, "comes with txhub"),
        ):
            with pytest.raises(ApiError, match=words) as refused:
                await wrong
            assert refused.value.answer_status == status
        await client.delete_rule("mine")
        with pytest.raises(ApiError, match="there is no rule"):
            await client.delete_rule("mine")
    versions = await pool.fetchval("SELECT count(*) FROM txhub.rule_versions WHERE name = 'mine'")
    assert versions == 2


async def test_an_edit_of_what_has_changed_meanwhile_is_refused(database: str, pool: Pool) -> None:
    async with api(database) as client:
        seen = await client.get("/v1/rules/velocity")
        tag = {"If-Match": seen.headers["ETag"]}
        first = await client.put("/v1/rules/velocity", json={"state": "off"}, headers=tag)
        assert (first.status_code, first.json()["state"]) == (200, "off")
        second = await client.put("/v1/rules/velocity", json={"state": "test"}, headers=tag)
        assert (second.status_code, second.headers["Content-Type"]) == (412, "application/problem+json")
        assert "read it again" in second.json()["hint"]
        again = await client.put(
            "/v1/rules/velocity", json={"state": "test"}, headers={"If-Match": first.headers["ETag"]}
        )
        assert again.json()["state"] == "test"
        wrong = await client.put("/v1/rules/velocity", json={"state": "on"}, headers={"If-Match": '"yesterday"'})
        assert wrong.status_code == 400


async def test_rules_of_the_file_win_and_go_with_it(database: str, pool: Pool) -> None:
    await keep_rules(pool, {"fan-in": FAN_IN | {"severity": "critical"}, "extra": LARGE})
    rules = {rule.name: rule for rule in await read_rules(pool)}
    assert (rules["fan-in"].origin, rules["fan-in"].version, rules["extra"].origin) == ("file", 2, "file")
    async with api(database) as client:
        refused = await client.put("/v1/rules/extra", json={"state": "off"})
        assert "is kept in txhub.toml" in refused.json()["detail"]
        await client.put("/v1/rules/velocity", json={"state": "off"})
        await client.put("/v1/rules/dusting", json={"definition": {"pattern": "dusting", "count": 100}})
    await keep_rules(pool, {})
    rules = {rule.name: rule for rule in await read_rules(pool)}
    assert "extra" not in rules
    assert rules["fan-in"].origin == "default"
    assert rules["velocity"].state == "off"
    assert (rules["dusting"].origin, rules["dusting"].definition["count"]) == ("api", 100)
    with pytest.raises(SettingError, match=r"\[rules.x\]: count is 'many'"):
        await keep_rules(pool, {"x": FAN_IN | {"count": "many"}})


async def test_only_analysts_change_rules(database: str, pool: Pool) -> None:
    keys = {role: await create_key(pool, role.value, role) for role in (Role.VIEWER, Role.ANALYST)}
    async with api(database, Admission.KEYS) as client:
        for role, status in ((Role.VIEWER, 403), (Role.ANALYST, 201)):
            headers = {"X-API-Key": keys[role]}
            assert (await client.get("/v1/rules", headers=headers)).status_code == 200
            body = {"name": "mine", "definition": LARGE}
            assert (await client.post("/v1/rules", json=body, headers=headers)).status_code == status
        assert (await client.get("/v1/rules/mine", headers=headers)).json()["changed_by"] == "analyst"
        asked = await client.post("/v1/rules/backtest", json={"rule": "mine"}, headers={"X-API-Key": keys[Role.VIEWER]})
        assert asked.status_code == 403


async def test_a_backtest_finds_what_rules_find_and_keeps_nothing(database: str, pool: Pool) -> None:
    expected = look(define(FAN_IN), rows_of(BLOCKS), Facts(ETHEREUM), START, NOW)
    assert len(expected) > 20
    async with api(database) as client, Reader(database) as reader:
        body = {"definition": FAN_IN, "start": (START - timedelta(days=1)).isoformat(), "end": NOW.isoformat()}
        asked = await client.post("/v1/rules/backtest", json=body)
        assert (asked.status_code, asked.json()["state"]) == (202, "queued")
        where = asked.headers["location"]
        assert await do_next(pool, reader)
        assert not await do_next(pool, reader)
        job = (await client.get(where)).json()
        assert (job["state"], job["progress"], job["error"]) == ("done", 1.0, None)
        result = job["result"]
        assert result["alerts"] == len(expected)
        assert sum(day["alerts"] for day in result["days"]) == len(expected)
        newest = max(expected, key=lambda each: (each.started_at, each.subject))
        assert result["samples"][0]["subject"] == newest.subject
        assert result["samples"][0]["title"] == newest.title
        assert len(result["samples"]) == len(result["subjects"]) == 20
        assert result["limits"] == [f"ethereum: it is stored from {START:%Y-%m-%d %H:%M} on"]
        assert await pool.fetchval("SELECT count(*) FROM txhub.alerts") == 0

        async with client_of(database) as typed:
            asked_again = await typed.backtest(definition=FAN_IN, start=START - timedelta(days=1), end=NOW)
            assert (asked_again.state, asked_again.question) == (JobState.QUEUED, job["question"])
            assert await do_next(pool, reader)
            answer = await typed.job(asked_again.id)
            assert (answer.state, answer.result) == (JobState.DONE, result)

        both = await client.post("/v1/rules/backtest", json={"rule": "fan-in", "definition": FAN_IN})
        assert both.status_code == 400
        assert (await client.get("/v1/jobs/999")).status_code == 404
        for _ in range(jobs.MOST_WAITING):
            assert (await client.post("/v1/rules/backtest", json={"rule": "fan-in"})).status_code == 202
        assert (await client.post("/v1/rules/backtest", json={"rule": "fan-in"})).status_code == 503
    begun = await jobs.begin(pool)
    assert begun is not None
    await jobs.give_up(pool)  # as a worker does that starts
    stopped = await jobs.read_job(pool, begun.id)
    assert stopped.state == "failed"
    assert "the worker was stopped" in (stopped.error or "")


def test_the_command_line_lists_sets_and_tests_rules(database: str) -> None:
    there = environment(database) | {"COLUMNS": "200"}
    listed = run("rules", "list", env=there)
    assert listed.returncode == 0, listed.stderr
    assert all(name in listed.stdout for name in DEFAULTS)
    made = run("rules", "set", "mine", "--definition", json.dumps(LARGE), "--state", "test", env=there)
    assert (made.returncode, "mine is test, version 1" in made.stderr) == (0, True), made.stderr
    shown = json.loads(run("rules", "show", "mine", env=there).stdout)
    assert shown["definition"] == define(LARGE).document()
    wrong = run("rules", "set", "mine", "--definition", '{"pattern": "amount", "amont": 1}', env=there)
    assert (wrong.returncode, "amont does not exist here" in wrong.stderr) == (2, True)
    tested = run("rules", "backtest", "mine", "--last", "24h", "--json", env=there)
    assert tested.returncode == 0, tested.stderr
    answer = json.loads(tested.stdout)
    assert (answer["alerts"], answer["samples"]) == (0, [])
    assert datetime.fromisoformat(answer["end"]) <= datetime.now(UTC)
    assert run("rules", "delete", "mine", env=there).returncode == 0
    assert run("rules", "show", "mine", env=there).returncode == 2
