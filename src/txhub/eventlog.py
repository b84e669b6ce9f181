"""The words of the event log: every event that txhub ever writes there, and what it means.

`docs/events.md` is this table in prose, and a test compares them. Whoever writes an event names it by `EventName`, so
the type checker refuses one that is not listed here.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

Level: TypeAlias = Literal["info", "warning", "error"]
Component: TypeAlias = Literal["ingest", "worker", "archive", "api"]

FindingName: TypeAlias = Literal[
    "stream_down",
    "lag_growing",
    "gap_found",
    "deep_reorg",
    "block_disagrees",
    "rollup_behind",
    "rollup_disagrees",
    "outbox_reader_behind",
    "disk_filling",
    "policy_failing",
    "archive_unverified",
    "letters_dead",
    "clock_off",
    "service_silent",
    "restarted",
    "interrupted",
]
"""What the worker watches for: each is an event when it begins (`state` is `began`) and when it ends (`ended`)."""

EventName: TypeAlias = Literal[
    FindingName,
    "endpoint_changed",
    "listener_died",
    "node_stuck",
    "chain_quiet",
    "chain_resumed",
    "slowed_down",
    "receipts_by",
    "waiting_for_turn",
    "follow_interrupted",
    "follow_resumed",
    "reorg",
    "block_refused",
    "halted",
    "gaps_filled",
    "notices_dropped",
    "archive_fault",
    "below_horizon",
    "rule_too_wide",
    "history_searched",
    "service_started",
    "service_stopped",
    "connection_lost",
    "database_away",
    "database_restarted",
]

FINDING_NAMES: tuple[FindingName, ...] = get_args(FindingName)

EVENTS: dict[EventName, str] = {
    "endpoint_changed": "a follower went on to another node of its chain, and why",
    "listener_died": "a node has newer blocks, but announced none: it is connected to anew",
    "node_stuck": "a node has no new block while another one of its chain has, or says that it is syncing",
    "chain_quiet": "no node of the chain has a new block",
    "chain_resumed": "the first block after `chain_quiet`",
    "slowed_down": "a node limits how much it is asked: less is asked at once",
    "receipts_by": "how a node is asked for receipts, found out at the first block",
    "waiting_for_turn": "another ingester follows the chain; this one takes over when that is gone",
    "follow_interrupted": "a follower lost its node or the database; it tries again, less and less often",
    "follow_resumed": "it follows again",
    "reorg": "the chain replaced committed blocks: how deep, above which block",
    "block_refused": "a block is wrong, or cannot be had; it is asked for again",
    "halted": "the chain is not followed any further: a person has to look",
    "gaps_filled": "the worker loaded blocks that had been missing",
    "notices_dropped": "so many events were lost because the database took none for long",
    "archive_fault": "a day cannot be archived, or its file is not what was written",
    "below_horizon": "a pass of detection wanted rows that were dropped already: it looks from `until` on",
    "rule_too_wide": "a rule picks more than memory may hold, and is not looked for until it is narrower",
    "history_searched": "all of history was searched for the addresses of a list's new version",
    "service_started": "a service started; `after` is `crash` where it had not been stopped in order",
    "service_stopped": "a service was stopped in order",
    "connection_lost": "a service lost its connection to the database, and has one again",
    "database_away": "the database could not be reached for so many seconds",
    "database_restarted": "the database's server was started again",
    "stream_down": "a chain's stream is down",
    "lag_growing": "blocks come faster than they are committed",
    "gap_found": "blocks are missing that nobody has filled for minutes",
    "deep_reorg": "a reorg went far deeper than those before it",
    "block_disagrees": "the rows of a block are not those that its header tells of",
    "rollup_behind": "rollups are not brought up to date any more",
    "rollup_disagrees": "a rollup is not what its rows add up to",
    "outbox_reader_behind": "a reader of the outbox leaves events unread",
    "disk_filling": "a disk is nearly full",
    "policy_failing": "a policy of the database fails again and again",
    "archive_unverified": "files of the archive wait to be verified for too long",
    "letters_dead": "messages about alerts were given up: nobody got them",
    "clock_off": "this machine's clock differs from the database's, or from the chains'",
    "service_silent": "a service died, or hangs",
    "restarted": "a service that nobody had stopped, or the database's server, was started again",
    "interrupted": "connections to nodes or to the database were lost",
}
