"""`/v1/series/{metric}`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import PathParameter

from txhub import contract
from txhub.api import parameters
from txhub.api.formats import Answer, respond
from txhub.api.parameters import given, listed
from txhub.api.sharing import shared
from txhub.contract import BUCKET_SECONDS, Series
from txhub.query.series import read_series
from txhub.store.read import Reader

Metric = Annotated[
    str,
    PathParameter(
        description=(
            "`tx_rate`, `avg_value`, `volume`, `fees`, `gas_used`, `failed_rate`, `active_addresses` or "
            "`value_quantiles`."
        ),
        examples=[Example(value="tx_rate")],
        schema_extra={"enum": list(contract.Metric)},
    ),
]


@get(
    "/v1/series/{metric:str}",
    summary="A metric over time",
    description=(
        "`tx_rate` is transactions per minute over the bucket, `avg_value` whole coins per transaction, `volume` and "
        "`fees` whole coins, `gas_used` gas, `failed_rate` the share of failed transactions among those whose outcome "
        "is known. `active_addresses`, how many sent or received, and `value_quantiles`, whole coins for each of six "
        "shares, are estimates by hour or day, within the `error` that the quality tells. A point is the start of its "
        "bucket and speaks for the whole bucket; null where the ledger is not complete, and for fees, gas and failures "
        "where the node gave no receipts. The rate of the bucket that holds now is that of the part which is accounted "
        "for. Coins of different chains are never added: use `by=chain`, or `unit=usd`, what they were worth as "
        "each bucket began (each hour, in days), null where no price of the day before is known. With `compare` each "
        "point also tells what it was so much earlier, the change, and that as a fraction. Unit, bucket and coverage "
        "are also headers: `Txhub-…`."
    ),
    responses={200: ResponseSpec(Series, description="Lines of points.", generate_examples=False)},
    tags=["Data"],
)
@shared
async def series(
    request: Request[Any, Any, Any],
    reader: NamedDependency[Reader],
    now: NamedDependency[datetime],
    metric: Metric,
    chain: parameters.Chain = None,
    kind: parameters.Kind = None,
    by: parameters.By = None,
    start: parameters.Start = None,
    end: parameters.End = None,
    bucket: parameters.Bucket = None,
    unit: parameters.Unit = None,
    tz: parameters.Zone = None,
    compare: parameters.Compare = None,
    wanted: parameters.Format = None,
) -> Response[bytes]:
    """Answer with a series."""
    found = await read_series(
        reader,
        metric,
        chain=listed(chain),
        kind=listed(kind),
        by=listed(by),
        now=now,
        **given(start=start, end=end, bucket=bucket, unit=unit, tz=tz, compare=compare),
    )
    trust = found.quality
    coverage = trust.coverage
    facts = {
        "metric": found.question.metric.value,
        "unit": found.question.unit,
        "bucket": found.question.bucket.value,
        "coverage": "unknown" if coverage is None else str(coverage),
        "source": trust.source,
        "gaps": str(len(trust.gaps)),
        **({} if trust.provisional_from is None else {"provisional-from": trust.provisional_from.isoformat()}),
        **({} if trust.error is None else {"error": str(trust.error)}),
        **({} if trust.rows_read is None else {"rows-read": str(trust.rows_read)}),
    }
    name = f"{metric}_{facts['bucket']}"
    settled = found.quality.settled and (found.previous is None or found.previous.settled)
    holds_s = BUCKET_SECONDS[found.question.bucket] // 100  # a point that is still growing shows no less
    answer = Answer(name, found.points, found.as_contract, facts, settled=settled, holds_s=holds_s)
    return await respond(request, answer, wanted)
