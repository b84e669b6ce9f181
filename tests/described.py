"""The API against its OpenAPI document, by schemathesis: all that the document allows, and much that it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.transport import Response
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import ScenarioRecorder
from schemathesis.python import asgi

from tests.conftest import open_database
from tests.sample import NOW, commit_sample
from txhub.api import access
from txhub.api.access import Admission
from txhub.api.app import create_app
from txhub.config import Settings
from txhub.store.edition import Edition
from txhub.store.keys import Role, create_key
from txhub.store.pool import open_pool
from txhub.store.server import Server

ACCEPTED = ["2xx", "3xx", "400", "401", "403", "404", "409", "412", "429"]
"""What a request that fits the document may be answered with. Documents cannot say which chains there are, or that a
range begins before it ends: such requests are refused by `refusals_help`."""


@schemathesis.check
def refusals_help(_: schemathesis.CheckContext, response: Response, case: schemathesis.Case) -> None:
    """Whatever is refused is told what to send instead."""
    if response.status_code == 400:
        problem = response.json()
        assert problem["detail"], case
        assert problem["hint"], case


@contextmanager
def described(
    servers: Callable[[Edition], Server], migrated: Callable[[Edition], str], *, examples: int, seed: int
) -> Iterator[schemathesis.BaseSchema]:
    """The document of the API over the sample, in a database that may be changed, for a key that may do everything."""
    with open_database(servers(Edition.PLAIN), migrated(Edition.PLAIN)) as url:
        key = asyncio.run(_prepare(url))
        app = create_app(url, Settings(), admission=Admission.KEYS, clock=lambda: NOW)
        app.state.feed.closed = True  # streams end after their first message
        config = SchemathesisConfig.from_dict(
            {
                "headers": {"X-API-Key": key},
                "seed": seed,
                "generation": {"max-examples": examples, "deterministic": True, "no-shrink": True},
                "checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}},
            }
        )
        with patch.object(access, "_FAILURES_PER_MINUTE", 10**6):
            try:
                yield schemathesis.openapi.from_asgi("/schema/openapi.json", app, config=config)
            finally:
                asgi.shutdown_lifespans()


async def _prepare(url: str) -> str:
    await commit_sample(url)
    async with open_pool(url, name="test") as pool:
        return await create_key(pool, "desk", Role.ADMIN, 10**6)


def held(schema: schemathesis.BaseSchema) -> tuple[set[str], list[str]]:
    """The operations that were asked, and everything in which an answer is not as described."""
    asked, failures = set(), []
    for event in from_schema(schema).execute():
        match event:
            case events.FatalError(exception=error):
                raise error
            case events.NonFatalError():
                failures.append(f"{event.label}: {event.value}")
            case events.ScenarioFinished(recorder=recorder):
                if recorder.cases:
                    asked.add(recorder.label)
                failures += _failures(recorder)
    return asked, failures


def _failures(recorder: ScenarioRecorder) -> Iterator[str]:
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None and not _fits_as_it_was_sent(recorder.cases[case_id].value, check.name):
                failure = check.failure_info.failure
                yield f"{recorder.label}: {failure.title}\n{failure.message}\n{check.failure_info.code_sample}"


def _fits_as_it_was_sent(case: schemathesis.Case, check: str) -> bool:
    """Whether what was meant to be wrong is right as text: `true` in place of a list of words is a list of one word."""
    if check != "negative_data_rejection":
        return False
    parameters = case.operation.definition.raw.get("parameters", ())
    lists = {each["name"] for each in parameters if each["in"] == "query" and each["schema"].get("type") == "array"}
    return any(name in lists and not isinstance(value, list) for name, value in (case.query or {}).items())
