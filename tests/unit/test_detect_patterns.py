"""Each pattern at its boundary, by small cases made by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.blocks import BITCOIN, ETHEREUM, START
from tests.looking import ETH, Sent, address, at, found, labelled, rows, transfers, who
from txhub.chain.contract import created_address
from txhub.detect.facts import Facts, Prices, Token, microseconds
from txhub.detect.look import look
from txhub.detect.rows import NEW_CONTRACT_CALLS, WAKINGS
from txhub.detect.rules import define
from txhub.store.alerts import Finding, Party

LARGE = 100
"""Ethereum's `large_value`."""


def spread(count: int, minutes: float, start: float = 0) -> list[float]:
    """So many moments, the last of them so many minutes after the first."""
    return [start + minutes * n / (count - 1) for n in range(count)]


def test_an_amount_is_reached_by_the_amount_and_not_by_a_wei_less() -> None:
    sent: list[Sent] = [(1, "anna", "boris", 100), (2, "boris", "clara", 99.999999999), (3, "anna", "clara", 250)]
    alerts = found({"pattern": "amount"}, sent)
    assert [(each.started_at, each.value) for each in alerts] == [(at(1), 100 * ETH), (at(3), 250 * ETH)]
    first = alerts[0]
    assert first.title == "100 ETH from 0x616e…000000 to 0x626f…000000"
    assert first.parties == (Party(address("anna"), "sender"), Party(address("boris"), "receiver"))
    assert first.details["samples"][0] | {"hash": 0} == {
        "time": at(1).isoformat(),
        "hash": 0,
        "from": "0x" + address("anna").hex(),
        "to": "0x" + address("boris").hex(),
        "amount": "100",
    }
    exact = {"native": "99.9999999990000000001"}
    assert len(found({"pattern": "amount", "amount": exact}, sent)) == 2
    assert len(found({"pattern": "amount", "amount": "99.999999999"}, sent)) == 3


def test_dollars_are_those_of_the_time() -> None:
    usd = Prices(microseconds(pl.Series([at(0), at(10)])), [Decimal(2000), Decimal("1999.99")])
    facts = Facts(ETHEREUM, prices={"ETH": usd})
    sent: list[Sent] = [(minute, "anna", "boris", 1) for minute in (-1, 0, 9, 10, 60 * 24 + 9, 60 * 24 + 11)]
    alerts = found({"pattern": "amount", "amount": {"usd": 2000}}, sent, facts=facts)
    assert [(each.started_at, each.value_usd) for each in alerts] == [(at(0), Decimal(2000)), (at(9), Decimal(2000))]


def test_a_quantile_is_that_of_the_day() -> None:
    facts = Facts(ETHEREUM, quantiles={0.99: {date(2026, 3, 1): 5 * ETH, date(2026, 3, 2): 7 * ETH}})
    sent: list[Sent] = [(0, "anna", "boris", 5), (1, "anna", "boris", 4), (100, "anna", "boris", 6), (101, "a", "b", 7)]
    alerts = found({"pattern": "amount", "amount": {"quantile": 0.99}}, sent, facts=facts)
    assert [each.started_at for each in alerts] == [at(0), at(101)]
    assert not found({"pattern": "amount", "amount": {"quantile": 0.5}}, sent, facts=facts)


def test_tokens_have_their_own_amounts() -> None:
    usdt, unknown = b"\x01" * 20, b"\x02" * 20
    facts = Facts(ETHEREUM, tokens={usdt: Token("USDT", 6)})
    moved = pl.concat([transfers([(1, "a", "b", 1)], usdt), transfers([(2, "a", "b", 1)], unknown)])
    moved = moved.with_columns(amount=pl.when(pl.col("token") == pl.lit(usdt)).then(5 * 10**6).otherwise(10**38 - 1))
    there = rows([(3, "a", "b", 1000)]) | {"token_transfers": moved.cast({"amount": pl.Int128})}

    def amounts(rule: dict[str, Any]) -> list[tuple[str, int | None]]:
        alerts = look(define({"pattern": "amount"} | rule), there, facts, START, at(10))
        return [(each.details["amount"], each.value) for each in alerts]

    assert amounts({"amount": {"token": 5}, "scope": {"tokens": ["*"]}}) == [("5", None)]
    assert amounts({"amount": {"token": "5.000001"}, "scope": {"tokens": ["0x" + usdt.hex()]}}) == []
    assert amounts({"amount": "5", "scope": {"tokens": ["*"]}}) == []
    assert amounts({"amount": "5"}) == [("1000", 1000 * ETH)]


def test_many_pay_one() -> None:
    rule = {"pattern": "fan_in", "count": 5, "window": "10m", "least": "1"}
    sent: list[Sent] = [(minute, f"payer {n}", "zoe", 1) for n, minute in enumerate(spread(5, 9.9))]
    assert who(found(rule, sent)) == [("zoe", pytest.approx(9.9))]
    assert found(rule, [(minute * 10 / 9.9, *rest) for minute, *rest in sent]) == []  # ten minutes is too long
    assert found(rule, [*sent[:4], (9.9, "payer 0", "zoe", 1)]) == []
    assert found(rule, [*sent[:4], (9.9, "payer 4", "zoe", 0.999)]) == []
    assert found(rule, [(time, receiver, sender, coins) for time, sender, receiver, coins in sent]) == []
    assert found(rule, sent, facts=labelled(("zoe", "Harbour: hot wallet", "exchange"))) == []
    assert len(found(rule, sent, facts=labelled(("zoe", "Zoe", "person")))) == 1
    out = {"pattern": "fan_out", "count": 5, "window": "10m", "least": "1"}
    assert who(found(out, [(time, to, by, coins) for time, by, to, coins in sent])) == [("zoe", pytest.approx(9.9))]


def test_who_is_paid_like_that_all_day_is_no_news() -> None:
    rule = {"pattern": "fan_in", "count": 5, "window": "10m", "least": "1", "cooldown": "10m"}
    busy: list[Sent] = [(minute, f"payer {minute}", "zoe", 1) for minute in range(0, 600, 7)]
    burst: list[Sent] = [(600 + n, f"payer {600 + n}", "zoe", 1) for n in range(5)]
    assert found(rule, busy + burst) == []
    assert len(found(rule | {"sudden": 0.0}, busy + burst)) == 1
    assert len(found(rule, burst)) == 1


def test_an_episode_ends_when_it_is_quiet_for_the_cooldown() -> None:
    rule = {"pattern": "fan_in", "count": 2, "window": "5m", "least": "1", "sudden": 0.0, "cooldown": "30m"}
    minutes = [0, 1, 20, 21, 50, 51, 80.99, 81, 111, 112]
    sent: list[Sent] = [(minute, f"payer {n}", "zoe", 1) for n, minute in enumerate(minutes)]
    # Met at 1, 21, 51, 81 and 112: each less than half an hour after the one before, but for the last two.
    assert who(found(rule, sent)) == [("zoe", 1), ("zoe", 51), ("zoe", 81), ("zoe", 112)]
    assert who(found(rule | {"cooldown": "31m"}, sent)) == [("zoe", 1), ("zoe", 112)]


def test_dust_goes_to_many() -> None:
    rule = {"pattern": "dusting", "count": 4, "window": "10m", "most": "0.0001"}
    sent: list[Sent] = [(n, "zoe", f"receiver {n}", 0.0001) for n in range(4)]
    assert who(found(rule, sent)) == [("zoe", 3)]
    assert found(rule, [*sent[:3], (3, "zoe", "receiver 3", 0.0002)]) == []


def test_an_address_moves_much_in_several_transfers() -> None:
    rule = {"pattern": "velocity", "amount": "30", "count": 3, "window": "10m"}
    sent: list[Sent] = [(n, "zoe", f"receiver {n}", 10) for n in range(3)]
    assert who(found(rule, sent)) == [("zoe", 2)]
    assert found(rule, [*sent[:2], (2, "zoe", "x", 9.999999999)]) == []
    assert found(rule, [(1, "zoe", "x", 30), (2, "zoe", "x", 30)]) == []
    assert found(rule | {"direction": "in"}, sent) == []


def test_amounts_just_under_a_threshold_again_and_again() -> None:
    rule = {"pattern": "structuring", "count": 4, "window": "1h"}
    sent: list[Sent] = [(minute, "zoe", "yan", 85 + n * 4) for n, minute in enumerate(spread(4, 59))]
    assert who(found(rule, sent)) == [("zoe", 59)]
    for changed in (100, 84.999999999):
        assert found(rule, [*sent[:3], (59, "zoe", "yan", changed)]) == []
    assert len(found(rule | {"direction": "in"}, sent)) == 1
    assert found(rule, sent, facts=labelled(("zoe", "Tidewater", "custody"))) == []


def test_what_comes_and_goes_at_once() -> None:
    rule = {"pattern": "rapid_in_out", "amount": "50", "window": "30m"}
    sent: list[Sent] = [(0, "a", "zoe", 30), (1, "b", "zoe", 20), (10, "zoe", "c", 25), (29, "zoe", "d", 20)]
    assert who(found(rule, sent)) == [("zoe", 29)]
    assert found(rule, [*sent[:3], (29, "zoe", "d", 19.9)]) == []
    assert found(rule, [*sent[:3], (29, "zoe", "d", 30.1)]) == []  # it had more before
    assert found(rule, [*sent[:3], (31, "zoe", "d", 20)]) == []
    assert found(rule, [(0, "a", "zoe", 29), *sent[1:]]) == []
    early: list[Sent] = [(0, "zoe", "c", 45), (1, "a", "zoe", 50), (2, "zoe", "d", 5)]
    assert found(rule, early) == []  # it left before it came


def test_an_amount_returns() -> None:
    rule = {"pattern": "round_trip", "window": "1h"}
    sent: list[Sent] = [(0, "anna", "boris", 50), (20, "boris", "clara", 49.5), (59, "clara", "anna", 49)]
    [alert] = found(rule, sent)
    assert (alert.subject, alert.title) == (
        "0x" + address("anna").hex(),
        "49 ETH came back to 0x616e…000000 over 2 others",
    )
    assert [each["amount"] for each in alert.details["samples"]] == ["50", "49.5", "49"]
    assert found(rule, [*sent[:2], (60, "clara", "anna", 49)]) == []
    assert found(rule, [*sent[:2], (59, "clara", "anna", 48)]) == []  # more than 2 percent less
    assert found(rule, [*sent[:2], (59, "clara", "anna", 50)]) == []  # more than came
    assert found(rule, [*sent[:2], (59, "clara", "dora", 49)]) == []
    assert found(rule, [sent[1], (10, *sent[0][1:]), sent[2]])
    assert found(rule, [(30, *sent[0][1:]), *sent[1:]]) == []  # not in this order
    assert found(rule, sent, facts=labelled(("boris", "Sakura", "exchange"))) == []
    two: list[Sent] = [(0, "anna", "boris", 50), (20, "boris", "anna", 50)]
    assert found(rule, two) == []
    assert len(found(rule | {"legs": 2}, two)) == 1


def test_an_amount_is_peeled_off() -> None:
    rule = {"pattern": "peel_chain"}
    sent: list[Sent] = [(n * 10, f"hop {n}", f"hop {n + 1}", 90 * 0.9**n) for n in range(4)]
    peels: list[Sent] = [(n * 10 + 1, f"hop {n}", f"peel {n}", 90 * 0.9**n * 0.08) for n in range(4)]
    [alert] = found(rule, sent + peels)
    assert (alert.started_at, alert.subject) == (at(30), "0x" + address("hop 0").hex())
    assert found(rule, sent[:3] + peels) == []
    assert found(rule, [*sent[:3], (30, "hop 3", "hop 4", 90 * 0.9**2)]) == []  # nothing was peeled off
    assert found(rule, [*sent, (25, "somebody", "hop 3", 20)]) == []  # not a fresh address
    assert len(found(rule, [*sent, (40, "hop 4", "hop 5", 50)])) == 1  # the same chain goes on


def test_calls_fail_in_a_burst() -> None:
    rule = {"pattern": "failed_burst", "share": 0.25, "count": 40, "window": "3m"}
    calm = [(minute, 20, 1) for minute in range(10)]
    [alert] = found(rule, outcomes=[*calm, (10, 20, 9), (11, 20, 9)])
    assert (alert.subject, alert.started_at, alert.block_number) == ("ethereum", at(11), 11)
    assert alert.details == {"calls": 60, "failed": 19, "share": 0.3167, "window": "3m"}
    assert found(rule, outcomes=[*calm, (10, 20, 9), (11, 20, 4)]) == []
    assert found(rule, outcomes=[(10, 20, 9), (11, 19, 9)]) == []


def called(minutes: list[float], callers: int, created: float = 0) -> list[Finding]:
    calls = transfers([(minute, f"caller {n % callers}", "new", 1) for n, minute in enumerate(minutes)])
    calls = calls.with_columns(created=pl.lit(at(created), pl.Datetime("us", "UTC")))
    assert calls.columns == list(NEW_CONTRACT_CALLS)
    rule = {"pattern": "new_contract", "calls": 10, "callers": 4, "window": "30m", "age": "2h"}
    return look(define(rule), {"new_contract_calls": calls}, Facts(ETHEREUM), START, at(600))


def test_a_new_contract_is_called_often() -> None:
    [alert] = called(spread(10, 29, start=60), 4)
    assert (alert.subject, alert.started_at) == ("0x" + address("new").hex(), at(89))
    assert "made 89m before, was called 10 times by 4 addresses" in alert.title
    assert called(spread(10, 29, start=60), 3) == []
    assert called(spread(9, 29, start=60), 4) == []
    assert called(spread(10, 31, start=60), 4) == []
    assert called(spread(10, 29, start=100), 4) == []


def test_where_a_contract_is_made() -> None:
    # The first contracts of an account, as in EIP-161's discussion and every client's tests.
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    expected = ["cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", "343c43a37d37dff08ae8c4a11544c718abb4fcf8"]
    assert [created_address(sender, nonce).hex() for nonce in (0, 1)] == expected
    assert len({created_address(sender, nonce) for nonce in (0, 127, 128, 255, 256, 2**32)}) == 6


def test_an_address_wakes() -> None:
    moved = transfers([(0, "zoe", "yan", 50), (1, "zoe", "yan", 50), (2, "uma", "yan", 50), (3, "vic", "yan", 49)])
    seen = [START - timedelta(days=180), at(0), START - timedelta(days=179), START - timedelta(days=900)]
    wakings = moved.with_columns(seen=pl.Series(seen, dtype=pl.Datetime("us", "UTC")))
    assert wakings.columns == list(WAKINGS)
    alerts = look(define({"pattern": "dormant"}), {"wakings": wakings}, Facts(ETHEREUM), START, at(10))
    assert who(alerts) == [("zoe", 0)]
    assert "after 180 days of silence" in alerts[0].title


def test_one_entity_s_own_moves_are_never_told() -> None:
    facts = labelled(
        ("a", "Northgate Exchange: hot wallet", "exchange"),
        ("b", "Northgate Exchange: cold wallet", "exchange"),
        ("c", "Harbour Exchange: hot wallet", "exchange"),
    )
    sent: list[Sent] = [(1, "a", "b", 500), (2, "a", "c", 500), (3, "a", "x", 500)]
    assert [each.started_at for each in found({"pattern": "amount"}, sent, facts=facts)] == [at(2), at(3)]
    scoped = {"pattern": "amount", "scope": {"without_labels": ["Harbour Exchange"]}}
    assert [each.started_at for each in found(scoped, sent, facts=facts)] == [at(3)]
    scoped = {"pattern": "amount", "scope": {"labels": ["Harbour Exchange: hot wallet"]}}
    assert [each.started_at for each in found(scoped, sent, facts=facts)] == [at(2)]
    assert len(found({"pattern": "amount", "scope": {"labels": ["exchange"]}}, sent, facts=facts)) == 2


def test_scope_is_of_chains_and_kinds() -> None:
    sent: list[Sent] = [(1, "a", "b", 500)]
    assert found({"pattern": "amount", "scope": {"chains": ["base"]}}, sent) == []
    assert len(found({"pattern": "amount", "scope": {"chains": ["ethereum"]}}, sent)) == 1
    assert found({"pattern": "amount", "scope": {"kinds": ["contract_call"]}}, sent) == []
    assert BITCOIN.large_value < LARGE


def test_conditions_combine() -> None:
    fan_in = {"pattern": "fan_in", "count": 3, "window": "10m", "least": "1"}
    fan_out = {"pattern": "fan_out", "count": 3, "window": "10m", "least": "1"}
    sent: list[Sent] = [(n, f"payer {n}", "zoe", 5) for n in range(3)]
    sent += [(40 + n, "zoe", f"payee {n}", 5) for n in range(3)]
    sent += [(n, f"payer {n}", "yan", 5) for n in range(3)]
    both = {"all": [fan_in, fan_out], "within": "40m"}
    assert who(found(both, sent)) == [("zoe", 42)]
    assert found(both | {"within": "39m"}, sent) == []
    either = {"any": [fan_in, fan_out], "cooldown": "10m"}
    assert who(found(either, sent)) == [("yan", 2), ("zoe", 2), ("zoe", 42)]
    assert who(found({"all": [fan_in], "not": [fan_out]}, sent)) == [("yan", 2), ("zoe", 2)]
    assert who(found({"all": [fan_out], "not": [fan_in], "within": "39m"}, sent)) == [("zoe", 42)]
    assert found({"all": [fan_out], "not": [fan_in], "within": "40m"}, sent) == []
    nested = {"all": [{"any": [fan_in, fan_out]}, fan_out], "within": "1h"}
    assert who(found(nested, sent)) == [("zoe", 42)]


def test_bitcoin_addresses_are_text() -> None:
    moved = transfers([(1, "a", "b", 1)]).with_columns(
        sender=pl.lit(b"bc1qsender"), receiver=pl.lit(b"bc1qreceiver"), amount=pl.lit(25 * 10**8, pl.Int128)
    )
    [alert] = look(define({"pattern": "amount"}), {"transfers": moved}, Facts(BITCOIN), START, at(9))
    assert alert.details["samples"][0]["to"] == "bc1qreceiver"
    assert alert.hash is not None
    assert alert.subject == alert.hash.hex()
    assert np.isclose(float(alert.details["amount"]), 25)
    assert datetime.now(UTC) > alert.started_at - timedelta(days=3650)
