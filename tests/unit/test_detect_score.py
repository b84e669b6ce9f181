"""The demo network's planted truth, found by the rules that come with txhub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from txhub.address import stored_address
from txhub.chain.demo.decoded import decoded_blocks
from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork
from txhub.chain.demo.truth import Pattern, Planted
from txhub.cli.demo import WATCHED
from txhub.contract.alerts import Pattern as Wanted
from txhub.detect.defaults import DEFAULTS
from txhub.detect.facts import Facts
from txhub.detect.look import look
from txhub.detect.rows import NEW_CONTRACT_CALLS, WAKINGS, Rows, rows_of, watched_of
from txhub.detect.rules import draft
from txhub.detect.score import Found, score, unexplained
from txhub.model import Chain

START = datetime(2026, 9, 26, 12, tzinfo=UTC)
HOURS = 6
END = START + timedelta(hours=HOURS)
OTHERS = {Pattern.SPIKE, Pattern.REORG}
"""What other rules look for."""


def known(network: DemoNetwork, chain: Chain) -> Facts:
    told = [(stored_address(each.address, {chain.family}), each.name, each.category) for each in network.labels()]
    columns = {"address": pl.Binary, "name": pl.String, "category": pl.String}
    return Facts(chain, pl.DataFrame(told, schema=columns, orient="row"))


def find(rows: Rows, facts: Facts) -> list[Found]:
    watched = facts.labelled(sorted(WATCHED))["address"]
    there = {
        **rows,
        "watched": watched_of(rows, dict.fromkeys(watched, "demo")),
        "new_contract_calls": pl.DataFrame(schema=dict(NEW_CONTRACT_CALLS)),
        "wakings": pl.DataFrame(schema=dict(WAKINGS)),
    }
    rules = [draft(rule).definition for rule in DEFAULTS.values() if Wanted(rule["pattern"]) in _LOOKED_FOR]
    return [Found(rule.pattern, each) for rule in rules for each in look(rule, there, facts, START, END)]


_LOOKED_FOR = set(Wanted) - {Wanted.SPIKE, Wanted.DROP, Wanted.ANOMALY}


@pytest.mark.parametrize("chain", DEMO_CHAINS, ids=lambda chain: chain.name)
async def test_what_is_planted_is_found_and_little_else(chain: Chain) -> None:
    network = DemoNetwork(chain, clock=END.timestamp)
    planted: list[Planted] = network.planted(START.timestamp(), END.timestamp())
    found = find(rows_of([block async for block in decoded_blocks(network, chain, START, END)]), known(network, chain))
    scores = score(planted, found)
    assert scores.keys() | OTHERS == set(Pattern)
    for pattern, result in scores.items():
        assert result.recall >= 0.95, (pattern, result)
        assert result.precision >= 0.9, (pattern, result)
    wrong = unexplained(planted, found)
    assert len(wrong) * 24 / HOURS < 5, [(each.pattern, each.finding.title) for each in wrong]
    assert scores[Pattern.WHALE].planted >= HOURS
    assert scores[Pattern.LISTED].planted + scores[Pattern.MIXER].planted >= HOURS
    assert any(each.pattern is Wanted.FIRST_CONTACT for each in found)
    assert sum(result.planted > 0 for result in scores.values()) >= 5
