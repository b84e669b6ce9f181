"""Who is told at once, who later, and who not: by facts and a clock that stands where it is put."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from txhub.alert.grouping import (
    Capped,
    Join,
    Limits,
    Open,
    Place,
    Told,
    entity_of,
    news_of,
    next_time,
    place,
    reason_for_silence,
)
from txhub.alert.message import MOST_SHOWN, Links, compose
from txhub.alert.reach import is_public
from txhub.alert.webhook import signature_of
from txhub.contract import Alert, AlertParty, CaseState, ChainState, Change, Severity

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = Limits(window=timedelta(minutes=10), daily_cap=3, max_age=timedelta(hours=1))
ALERT = Alert(
    id=17,
    rule="whales",
    rule_version=1,
    pattern="amount",
    chain="ethereum",
    subject="0x05",
    started_at=NOW,
    severity=Severity.HIGH,
    title="0xaa sent 1,234.5 ETH",
    details={},
    block_number=18_090_206,
    hash="0x" + "05" * 32,
    value="1234.5",
    value_usd="2024690.14",
    symbol="ETH",
    test=False,
    chain_state=ChainState.PENDING,
    case_state=CaseState.OPEN,
    assignee=None,
    quiet=None,
    created_at=NOW,
    updated_at=NOW,
    parties=[AlertParty("0xaa", "sender", ["Binance: Hot Wallet 7"]), AlertParty("0xbb", "receiver")],
)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def put(alert: Alert, last: Told | None, messages: int = 0, caps: int = 0) -> Place:
    return place(alert, last, messages, caps, LIMITS, NOW)


def test_the_first_goes_at_once_and_others_are_collected_until_the_window_ends() -> None:
    assert put(ALERT, None) == Open("alert", NOW)
    sent = Told(1, ago(minutes=4), Severity.HIGH, open=False)
    assert put(ALERT, sent) == Open("more", NOW + timedelta(minutes=6))
    collecting = Told(2, NOW + timedelta(minutes=6), Severity.HIGH, open=True)
    assert put(ALERT, collecting) == Join(2, later=True)
    assert put(ALERT, sent._replace(planned_at=ago(minutes=10))) == Open("alert", NOW)
    about_to_go = Told(3, NOW, Severity.LOW, open=True)
    assert put(ALERT, about_to_go) == Join(3, later=False)


def test_what_matters_more_than_what_was_told_does_not_wait() -> None:
    sent = Told(1, ago(minutes=4), Severity.MEDIUM, open=False)
    assert put(ALERT, sent) == Open("alert", NOW)
    assert put(replace(ALERT, severity=Severity.LOW), sent) == Open("more", NOW + timedelta(minutes=6))


def test_a_rule_has_so_many_messages_a_day_and_that_is_said_once() -> None:
    assert put(ALERT, None, messages=2) == Open("alert", NOW)
    assert put(ALERT, None, messages=3) == Capped(tell=True)
    assert put(ALERT, None, messages=3, caps=1) == Capped(tell=False)
    assert put(ALERT, Told(2, NOW, Severity.HIGH, open=True), messages=3) == Join(2, later=False)


def test_an_entity_is_what_a_label_says_before_a_colon() -> None:
    assert entity_of(ALERT) == "Binance"
    several = [AlertParty("0xaa", "subject", ["Binance: Deposit", "Binance"])]
    assert entity_of(replace(ALERT, parties=several)) == "Binance"
    assert entity_of(replace(ALERT, parties=[AlertParty("0xaa", "subject", [": odd"])])) == "0xaa"
    assert entity_of(replace(ALERT, parties=[AlertParty("0xaa", "subject")])) == "0xaa"
    assert entity_of(replace(ALERT, parties=[])) == "0x05"


def test_nobody_is_told_of_rules_that_are_tried_and_of_history() -> None:
    assert reason_for_silence(ALERT, LIMITS) is None
    assert "tried" in (reason_for_silence(replace(ALERT, test=True), LIMITS) or "")
    assert reason_for_silence(replace(ALERT, started_at=ago(hours=1)), LIMITS) is None
    assert "history" in (reason_for_silence(replace(ALERT, started_at=ago(hours=1, seconds=1)), LIMITS) or "")


def test_a_digest_goes_at_the_next_of_its_times() -> None:
    times = [time(7), time(19, 30)]
    assert next_time(times, NOW) == NOW.replace(hour=19, minute=30)
    assert next_time(times, NOW.replace(hour=7)) == NOW.replace(hour=19, minute=30)
    assert next_time(times, NOW.replace(hour=23)) == NOW.replace(day=2, hour=7)


@pytest.mark.parametrize(
    ("state", "details", "known", "severity", "news"),
    [
        (ChainState.PENDING, {}, None, None, Change.RAISED),
        (ChainState.RETRACTED, {}, None, None, None),
        (ChainState.FINALISED, {"ended_at": "2026"}, None, None, None),
        (ChainState.PENDING, {}, Change.RAISED, Severity.HIGH, None),
        (ChainState.PENDING, {}, Change.RAISED, Severity.LOW, Change.SEVERITY),
        (ChainState.RETRACTED, {}, Change.RAISED, Severity.LOW, Change.RETRACTED),
        (ChainState.RETRACTED, {}, Change.RETRACTED, Severity.HIGH, None),
        (ChainState.PENDING, {}, Change.RETRACTED, Severity.HIGH, Change.REVIVED),
        (ChainState.FINALISED, {"ended_at": "2026"}, Change.RAISED, Severity.HIGH, Change.ENDED),
        (ChainState.FINALISED, {"ended_at": "2026"}, Change.ENDED, Severity.HIGH, None),
        (ChainState.PENDING, {}, Change.REVIVED, Severity.HIGH, None),
    ],
)
def test_a_follow_up_is_what_differs_from_what_was_told(
    state: ChainState, details: dict[str, str], known: Change | None, severity: Severity | None, news: Change | None
) -> None:
    assert news_of(replace(ALERT, chain_state=state, details=details), known, severity) is news


def test_a_message_says_all_of_it_as_text_and_as_html_that_nobody_can_write_into() -> None:
    evil = replace(ALERT, title="<img src=x> sent\r\nBcc: you@example.org 5\x00 <b>")
    links = Links("https://hub.example/", {"ethereum": "https://etherscan.io"})
    message, body = compose("k", "desk", "alert", [links.item(Change.RAISED, evil)])
    assert message.title == "[HIGH] <img src=x> sent Bcc: you@example.org 5 <b>"
    assert "<img" not in body
    assert "&lt;img src=x&gt;" in body
    for said in (
        "Moved: 1,234.5 ETH (2,024,690.14 USD)",
        "Sender: 0xaa (Binance: Hot Wallet 7)",
        "Receiver: 0xbb",
        "Where: ethereum, block 18,090,206",
        "When: 2026-03-01 12:00:00 UTC",
        "Rule: whales (amount)",
        "Alert: https://hub.example/alerts/17",
        f"Explorer: https://etherscan.io/tx/{ALERT.hash}",
    ):
        assert said in message.text
    assert "href='https://etherscan.io/tx/0x0505" in body
    [item] = compose("k", "desk", "alert", [Links(None, {}).item(Change.RETRACTED, ALERT)])[0].items
    assert (item.link, item.explorer) == (None, None)


def test_a_message_of_many_tells_of_those_that_matter_most() -> None:
    links = Links(None, {})
    some = [links.item(Change.RAISED, replace(ALERT, severity=severity)) for severity in Severity] * 10
    message, body = compose("k", "desk", "more", some, "Binance")
    assert message.title == "[CRITICAL] whales: 40 alerts about Binance"
    assert (len(message.items), message.more) == (MOST_SHOWN, 40 - MOST_SHOWN)
    assert {item.alert.severity for item in message.items} == {Severity.CRITICAL, Severity.HIGH}
    assert "and 20 more" in message.text
    assert "and 20 more" in body
    digest, _ = compose("k", "desk", "digest", some)
    assert digest.title == "[CRITICAL] 40 alerts: 10 critical, 10 high, 10 medium, 10 low"


def test_a_signature_is_that_of_standard_webhooks() -> None:
    """The example of the specification's own libraries."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature_of(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) == expected
    assert signature_of("another secret", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) != expected


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("255.255.255.255", "224.0.0.1", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1"),
        *("64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1"),
    ],
)
def test_addresses_of_private_networks_are_known_however_they_are_written(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)
