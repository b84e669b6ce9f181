"""What a model finds unlike the rest: what `txhub.detect.anomalyrunner` looks for, by the hour."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from txhub.contract.alerts import Pattern
from txhub.detect.features import Subject
from txhub.detect.patterns.traffic import RowlessCondition


class Anomaly(RowlessCondition):
    """The newest model of a chain finds an address, or a transaction, unlike the rest; the first few of each day."""

    pattern: Literal[Pattern.ANOMALY] = Pattern.ANOMALY
    by: Subject = Field(default=Subject.ADDRESS, description="`address` (what it did in an hour) or `transaction`")
    score: float = Field(default=0.7, gt=0, lt=1, description="the least score")
    top: int = Field(default=5, ge=1, le=100, description="alerts a day at the most")
