"""The client's half of the event stream."""

from __future__ import annotations

from txhub.client import StreamEvent
from txhub.client.wire import Events
from txhub.contract import AlertEvent, BackfillEvent, BlockEvent, ReorgEvent, Severity, StreamHealth

BLOCK = (
    '{"chain":"ethereum","number":1,"hash":"0x","time":"2026-01-01T00:00:00Z","tx_count":2,"value":"1.5","symbol":"E"}'
)
RANGE = (
    '{"chain":"ethereum","from_block":1,"to_block":9,"blocks":9,"tx_count":2,'
    '"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:01:00Z"}'
)
REORG = (
    '{"chain":"ethereum","ancestor":9,"depth":3,"from_number":12,"from_hash":"0x0c","to_number":13,"to_hash":"0x0d",'
    '"start":"2026-01-01T00:00:00Z","end":"2026-01-01T00:01:00Z"}'
)

ALERT = (
    '{"id":5,"change":"raised","chain":"ethereum","rule":"whales","pattern":"amount","severity":"high","subject":"0x05",'
    '"started_at":"2026-01-01T00:00:00Z","title":"0x05 sent 100 ETH","test":false,"chain_state":"pending",'
    '"case_state":"open","assignee":null}'
)


def read(*lines: str) -> list[StreamEvent]:
    events = Events()
    return [event for line in lines if (event := events.feed(line))]


def test_events_are_typed_by_name() -> None:
    block, backfill, reorg, alert, reset = read(
        *("id: 7", "event: block", f"data: {BLOCK}", ""),
        *("id: 8", "event: backfill", f"data: {RANGE}", ""),
        *("id: 9", "event: reorg", f"data: {REORG}", ""),
        *("id: 9", "event: alert", f"data: {ALERT}", ""),
        *("id:10", "event:reset", 'data:{"reason":"old"}', ""),
    )
    assert (block.id, block.event) == (7, "block")
    assert isinstance(block.data, BlockEvent)
    assert block.data.value == "1.5"
    assert isinstance(backfill.data, BackfillEvent)
    assert isinstance(reorg.data, ReorgEvent)
    assert reorg.data.depth == 3
    assert isinstance(alert.data, AlertEvent)
    assert alert.data.severity is Severity.HIGH
    assert reset == StreamEvent(10, "reset", {"reason": "old"})


def test_health_keeps_the_id_before_it() -> None:
    health = (
        '{"chain":"ethereum","status":"late","reason":"old","last_block":1,"last_time":null,'
        '"committed_at":null,"lag_s":9.5}'
    )
    block, first, second = read(
        *("id: 6", ": txhub", ""),
        *("event: health", f"data: {health}", "", "id: 7", "event: block", f"data: {BLOCK}", ""),
        *("event: health", f"data: {health}", ""),
    )
    assert [(each.id, each.event) for each in (block, first, second)] == [(6, "health"), (7, "block"), (7, "health")]
    assert isinstance(second.data, StreamHealth)
    assert second.data.status == "late"


def test_comments_and_bare_ids_are_no_events() -> None:
    assert read(": heartbeat", "id: 3", "", "", ": heartbeat", "") == []


def test_data_of_several_lines_is_one_text() -> None:
    assert read("event: news", "data: {", 'data: "a": 1}', "") == [StreamEvent(0, "news", {"a": 1})]
