"""`/v1/rules` and `/v1/jobs`."""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import JSONBody, PathParameter

from txhub.api.access import Caller, requires
from txhub.api.etags import IfMatch, etag, seen_at
from txhub.api.problems import MISSING, OUTDATED
from txhub.contract import Page
from txhub.contract.alerts import Rule, RuleState, Severity
from txhub.contract.jobs import Job
from txhub.detect.rules import define
from txhub.errors import UsageError
from txhub.query.timerange import parse_range
from txhub.store import jobs
from txhub.store import rules as store
from txhub.store.keys import Role
from txhub.store.pool import Pool

LONGEST_BACKTEST = timedelta(days=366)
_NAME = r"^[a-z0-9][a-z0-9_-]{0,59}$"
Name = Annotated[
    str, PathParameter(description="The name of a rule.", pattern=_NAME, examples=[Example(value="large-transfer")])
]
JobKey = Annotated[
    int, PathParameter(description="The `id` of a job.", ge=1, le=2**53 - 1, examples=[Example(value=1)])
]
_RuleName = Annotated[str, msgspec.Meta(pattern=_NAME)]


class NewRule(msgspec.Struct, forbid_unknown_fields=True):
    """The body: a rule that is to be. docs/rules.md says what definitions are made of."""

    name: _RuleName
    definition: dict[str, Any]
    severity: Severity = Severity.MEDIUM
    state: RuleState = RuleState.ON


class ChangedRule(msgspec.Struct, forbid_unknown_fields=True):
    """The body: what is to be another; what is left out or null stays.

    `changed_at` is that of the rule that was seen, and does what `If-Match` does.
    """

    definition: dict[str, Any] | None = None
    severity: Severity | None = None
    state: RuleState | None = None
    changed_at: datetime | None = None


class BacktestQuestion(msgspec.Struct, forbid_unknown_fields=True):
    """The body: a rule by name, or a definition that is no rule yet; and the range, as `start` and `end` elsewhere."""

    rule: _RuleName | None = None
    definition: dict[str, Any] | None = None
    start: str = "-7d"
    end: str = "now"


@get(
    "/v1/rules",
    summary="Rules",
    description="All rules, by name: those that come with txhub, those of txhub.toml, and those that people made.",
    responses={200: ResponseSpec(Page[Rule], description="All.", generate_examples=False)},
    tags=["Rules"],
)
async def rules(pool: NamedDependency[Pool]) -> Response[bytes]:
    """Answer with all rules."""
    return _json(Page([_as_contract(each) for each in await store.read_rules(pool)], None))


@get(
    "/v1/rules/{name:str}",
    summary="One rule",
    description="As it is now, with all defaults of its definition; its `ETag` goes with a change of it.",
    responses={200: ResponseSpec(Rule, description="The rule.", generate_examples=False), **MISSING},
    tags=["Rules"],
)
async def rule(pool: NamedDependency[Pool], name: Name) -> Response[bytes]:
    """Answer with one rule."""
    return _tagged(await store.read_rule(pool, name))


@post(
    "/v1/rules",
    status_code=HTTPStatus.CREATED,
    summary="Make a rule",
    description=(
        "A definition is a `pattern` with its parameters and a `cooldown`, or `all`, `any` and `not` of several. The "
        "worker takes it up within seconds, and looks at the last days (`rules_past`) by it."
    ),
    responses={201: ResponseSpec(Rule, description="The rule.", generate_examples=False)},
    guards=[requires(Role.ANALYST)],
    tags=["Rules"],
)
async def make(
    request: Request[Any, Any, Any], data: JSONBody[NewRule], pool: NamedDependency[Pool]
) -> Response[bytes]:
    """Make a rule."""
    wanted = store.Wanted(define(data.definition).document(), data.severity, data.state)
    made = await store.set_rule(pool, data.name, wanted, by=_person(request), new=True)
    return _tagged(made, HTTPStatus.CREATED)


@put(
    "/v1/rules/{name:str}",
    summary="Change a rule",
    description=(
        "Another definition is a new version, which looks at the last days again; alerts of older versions stay. "
        "Severity and state are no part of it. Rules of txhub.toml are changed there. With `If-Match` (the `ETag` of "
        "`/v1/rules/{name}`) or `changed_at`, nothing is changed where somebody else was faster (412)."
    ),
    responses={
        200: ResponseSpec(Rule, description="The rule as it is now.", generate_examples=False),
        **MISSING,
        **OUTDATED,
    },
    guards=[requires(Role.ANALYST)],
    tags=["Rules"],
)
async def change(
    request: Request[Any, Any, Any],
    data: JSONBody[ChangedRule],
    pool: NamedDependency[Pool],
    name: Name,
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Change a rule."""
    known = await store.read_rule(pool, name)
    definition = known.definition if data.definition is None else define(data.definition).document()
    wanted = store.Wanted(definition, data.severity or known.severity, data.state or known.state)
    seen = seen_at(if_match) or data.changed_at
    return _tagged(await store.set_rule(pool, name, wanted, by=_person(request), new=False, seen_at=seen))


@delete(
    "/v1/rules/{name:str}",
    status_code=HTTPStatus.NO_CONTENT,
    summary="End a rule",
    description="Its alerts and its versions stay. Rules that come with txhub are turned off instead (`state`).",
    responses=MISSING,
    guards=[requires(Role.ANALYST)],
    tags=["Rules"],
)
async def end(pool: NamedDependency[Pool], name: Name) -> None:
    """End a rule."""
    await store.delete_rule(pool, name)


@post(
    "/v1/rules/backtest",
    status_code=HTTPStatus.ACCEPTED,
    summary="Try a rule on the past",
    description=(
        "How often a rule, or a definition that is none yet, would have found something from `start` to `end` (a year "
        "at most), on whom, with samples. Nothing of it becomes an alert. The worker does it, one job at a time: ask "
        "`/v1/jobs/{id}` for the answer."
    ),
    responses={202: ResponseSpec(Job, description="The job.", generate_examples=False), **MISSING},
    guards=[requires(Role.ANALYST)],
    tags=["Rules"],
)
async def backtest(
    request: Request[Any, Any, Any],
    data: JSONBody[BacktestQuestion],
    pool: NamedDependency[Pool],
    now: NamedDependency[datetime],
) -> Response[bytes]:
    """Let a backtest wait for the worker."""
    if (data.rule is None) == (data.definition is None):
        raise UsageError("a backtest is of a rule or of a definition", hint="send rule or definition, one of them")
    definition = define(data.definition) if data.definition is not None else None
    if definition is None:
        definition = define((await store.read_rule(pool, data.rule or "")).definition)
    asked = parse_range(data.start, data.end, now)
    if asked.end - asked.start > LONGEST_BACKTEST:
        raise UsageError("a backtest is of a year at most", hint="send a later start")
    question = {
        "rule": data.rule,
        "definition": definition.document(),
        "start": asked.start.isoformat(),
        "end": asked.end.isoformat(),
    }
    job = await jobs.ask(pool, "backtest", question, _person(request))
    response = _json(job, HTTPStatus.ACCEPTED)
    response.set_header("Location", f"/v1/jobs/{job.id}")
    return response


@get(
    "/v1/jobs/{key:int}",
    summary="One job",
    description="How it stands and, once it is done, its answer. Jobs are kept for 30 days.",
    responses={200: ResponseSpec(Job, description="The job.", generate_examples=False), **MISSING},
    tags=["Rules"],
)
async def job(pool: NamedDependency[Pool], key: JobKey) -> Response[bytes]:
    """Answer with one job."""
    return _json(await jobs.read_job(pool, key))


def _person(request: Request[Any, Any, Any]) -> str:
    caller: Caller = request.scope["state"]["caller"]
    return caller.person


def _as_contract(rule: store.Rule) -> Rule:
    known = rule._asdict()
    del known["looked_version"]
    return Rule(**known)


def _tagged(rule: store.Rule, status: HTTPStatus = HTTPStatus.OK) -> Response[bytes]:
    body = msgspec.json.encode(_as_contract(rule))
    return Response(body, status_code=status, media_type="application/json", headers=etag(rule.changed_at))


def _json(body: object, status: HTTPStatus = HTTPStatus.OK) -> Response[bytes]:
    return Response(msgspec.json.encode(body), status_code=status, media_type="application/json")
