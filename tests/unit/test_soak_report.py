"""What `txhub bench soak` asks of each fault, and what its report makes of one that was not told, or told too often."""

from __future__ import annotations

from txhub.cli.bench_soak import Report, Struck
from txhub.cli.soak_faults import CLOCK_STEPS, DISK_FULL, FAULTS


def test_every_fault_that_has_to_be_told_has_to_be_alerted_of() -> None:
    faults = [*FAULTS, DISK_FULL, *CLOCK_STEPS]
    assert [fault.name for fault in faults if bool(fault.told) != bool(fault.alerted)] == []
    unfelt = {fault.name for fault in faults if not fault.told}
    assert unfelt == {
        "the node is 0.2 s away",
        "the database is 20 ms away",
        "nothing passes to and from the database",
    }


def test_a_fault_that_is_silent_slow_or_alerted_of_twice() -> None:
    well = Struck("a", 3.0, ["listener_died"], {"interrupted": 1, "restarted": 1}, [], 0)
    silent = Struck("b", 3.0, [], {}, ["node_stuck", "an alert of interrupted"], 0)
    twice = Struck("c", None, ["node_stuck"], {"interrupted": 2}, [], 0)
    assert list(Report(struck=[well, silent, twice]).faults) == [
        "not told by node_stuck: b",
        "not told by an alert of interrupted: b",
        "normal again never: c",
        "alerted 2 times of interrupted: c",
    ]
