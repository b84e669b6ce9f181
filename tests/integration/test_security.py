"""What an attacker would send, to every operation that the OpenAPI document lists."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import open_database
from tests.sample import NOW, commit_sample
from txhub.api import access
from txhub.api.access import Admission
from txhub.api.app import BODY_LIMIT, create_app
from txhub.cli.logs import configure_logs
from txhub.cli.serve import Site
from txhub.config import Settings
from txhub.query import cursor as cursors
from txhub.store.edition import Edition
from txhub.store.keys import Role, create_key, digest_of
from txhub.store.pool import open_pool
from txhub.store.server import Server

INJECTIONS = (
    "'; DROP TABLE txhub.chains CASCADE; --",
    "' OR '1'='1",
    "1); SELECT pg_sleep(30); --",
    "ethereum' UNION SELECT digest::text FROM txhub_access.keys --",
    "\\'; COPY txhub.blocks TO '/tmp/stolen' --",
    "$1 {0} %s :name ${jndi:ldap://127.0.0.1/a}",
    "\x00ethereum",
)
PATIENCE_S = 15.0
"""Longer than any of these requests takes, and shorter than what the injected sleep would."""
KEPT = ("chains", "blocks", "transactions", "reorgs", "orphans", "event_log", "stream_events")
"""Tables that no request changes."""
Keys = dict[Role, str]


@dataclass(frozen=True)
class Target:
    """A database with the sample, and a key of each role."""

    url: str
    keys: Keys


@pytest.fixture(scope="module")
def target(servers: Callable[[Edition], Server], migrated: Callable[[Edition], str]) -> Iterator[Target]:
    """Of the edition that every machine has: what is asked of the database is the same in both."""

    async def prepare(url: str) -> Keys:
        await commit_sample(url)
        async with open_pool(url, name="test") as pool:
            return {role: await create_key(pool, role.value, role, 10**6) for role in Role}

    with open_database(servers(Edition.PLAIN), migrated(Edition.PLAIN)) as url:
        yield Target(url, asyncio.run(prepare(url)))


@asynccontextmanager
async def client_of(app: Any, lifespan: Any, key: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"X-API-Key": key} if key else {}
    async with (
        lifespan,
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client,
    ):
        yield client


@asynccontextmanager
async def asking(target: Target, role: Role | None) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(target.url, Settings(), admission=Admission.KEYS, clock=lambda: NOW)
    app.state.feed.closed = True  # streams end after their first message
    async with client_of(app, app.lifespan(), target.keys[role] if role else None) as client:
        yield client


@dataclass(frozen=True)
class Operation:
    """An operation of the document, and a request that it accepts, as far as the document can say."""

    method: str
    path: str
    described: dict[str, Any]
    document: dict[str, Any]

    @property
    def url(self) -> str:
        """Its path, with the examples of its parameters."""
        examples = {each["name"]: next(iter(each["examples"].values()))["value"] for each in self.parameters("path")}
        return re.sub(r"\{(\w+)\}", lambda match: quote(str(examples[match[1]])), self.path)

    @property
    def takes_body(self) -> bool:
        return "requestBody" in self.described

    def parameters(self, place: str) -> list[dict[str, Any]]:
        return [each for each in self.described.get("parameters", ()) if each["in"] == place]

    def bodies(self, text: str) -> Iterator[Any]:
        """A body for each of its fields of text, with this text there."""
        if not self.takes_body:
            return
        content = next(iter(self.described["requestBody"]["content"].values()))
        schema = self.document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
        texts = [name for name, field in schema["properties"].items() if field.get("type") == "string"]
        for name in texts or schema["properties"]:
            yield {each: text if each in texts else 1 for each in {name, *schema.get("required", ())}}

    def requests(self, text: str) -> Iterator[dict[str, Any]]:
        """A request for each place that takes a text, with this text there."""
        for parameter in self.parameters("query"):
            yield {"url": self.url, "params": {parameter["name"]: text}}
        for parameter in self.parameters("path"):
            yield {"url": self.path.replace(f"{{{parameter['name']}}}", quote(text, safe=""))}
        for parameter in self.parameters("header"):
            if text.isprintable():
                yield {"url": self.url, "headers": {parameter["name"]: text}}
        for body in self.bodies(text):
            yield {"url": self.url, "json": body}


@pytest.fixture(scope="module")
def operations() -> list[Operation]:
    app = create_app("postgresql://nobody@127.0.0.1:1/", Settings(), admission=Admission.KEYS)
    document = app.openapi_schema.to_schema()
    return [
        Operation(method.upper(), path, described, document)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


def changing(operations: list[Operation]) -> list[Operation]:
    """What does more than read, and is not documented as open to anybody."""
    found = [each for each in operations if each.method != "GET" and each.described.get("security") != [{}]]
    assert found
    return found


async def kept(url: str) -> list[tuple[str, int]]:
    async with open_pool(url, name="test") as pool:
        return [(table, await pool.fetchval(f"SELECT count(*) FROM txhub.{table}")) for table in KEPT]


async def test_what_looks_like_sql_is_only_text(target: Target, operations: list[Operation]) -> None:
    before, asked = await kept(target.url), 0
    async with asking(target, Role.ADMIN) as client:
        secrets = [digest_of(key).hex() for key in target.keys.values()]
        for operation in operations:
            for text in INJECTIONS:
                for request in operation.requests(text):
                    began = time.monotonic()
                    answer = await client.request(operation.method, **request)
                    assert time.monotonic() - began < PATIENCE_S, (operation, text)
                    assert answer.status_code < 500, (operation.method, request, answer.text)
                    if answer.status_code >= 400:
                        assert answer.headers["content-type"] == "application/problem+json"
                        assert not re.search("Traceback|asyncpg|psycopg|ADBC", answer.text), answer.text
                    assert not any(secret in answer.text for secret in secrets)
                    asked += 1
    assert asked > 300
    assert await kept(target.url) == before


async def test_a_cursor_is_ours_or_refused(target: Target, operations: list[Operation]) -> None:
    paged = [each for each in operations if any(one["name"] == "cursor" for one in each.parameters("query"))]
    assert len(paged) >= 3
    of_transactions = cursors.encode(cursors.Cursor(NOW, 1, 2, 3))
    extreme = cursors.encode(cursors.just_before(NOW.replace(year=2199)))
    by_id = cursors._pack(7)
    understood = set()
    async with asking(target, Role.VIEWER) as client:
        for operation in paged:
            statuses = set()
            for good in (of_transactions, by_id, extreme):
                answer = await client.get(operation.url, params={"cursor": good, "limit": 1})
                statuses.add(answer.status_code)
                if answer.status_code != 200:
                    assert answer.status_code == 400, (operation.path, answer.text)
                    continue
                for place in range(len(good)):
                    for other in "AB_z":
                        changed = good[:place] + other + good[place + 1 :]
                        answer = await client.get(operation.url, params={"cursor": changed, "limit": 1})
                        assert changed == good or answer.status_code == 400, (operation.path, good, changed)
                for wrong in (good[:-1], good + "A", good + "=", good + " ", "A" * 10_000, ""):
                    status = (await client.get(operation.url, params={"cursor": wrong})).status_code
                    assert status == (200 if wrong == "" else 400), (operation.path, wrong)
            assert 400 in statuses, operation.path  # another kind of list has other cursors
            understood |= {operation.path} if 200 in statuses else set()
    assert understood >= {"/v1/transactions", "/v1/reorgs", "/v1/events"}


async def test_every_operation_that_changes_something_wants_a_key_that_may(
    target: Target, operations: list[Operation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "_FAILURES_PER_MINUTE", 10**6)
    async with asking(target, None) as client:
        for operation in changing(operations):
            for headers, status in (
                ({}, 401),
                ({"X-API-Key": "txhub_" + "A" * 43}, 401),
                ({"X-API-Key": target.keys[Role.ADMIN][:-1]}, 401),
                ({"Authorization": f"Basic {target.keys[Role.ADMIN]}"}, 401),
                ({"Cookie": f"{access.COOKIE}={target.keys[Role.ADMIN]}"}, 401),
                ({"X-API-Key": target.keys[Role.VIEWER]}, 403),
            ):
                answer = await client.request(operation.method, operation.url, headers=headers)
                assert answer.status_code == status, (operation.method, operation.path, headers, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"


async def test_no_other_site_makes_a_browser_change_anything(target: Target, operations: list[Operation]) -> None:
    async with asking(target, Role.ADMIN) as client:
        for operation in [each for each in operations if each.method != "GET"]:
            for headers in (
                {"Origin": "https://evil.example"},
                {"Origin": "null"},
                {"Origin": "http://127.0.0.1:9999"},
                {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
            ):
                answer = await client.request(operation.method, operation.url, headers=headers)
                assert answer.status_code == 403, (operation.method, operation.path, headers)
                assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_bodies_that_are_too_large_or_make_no_sense_are_refused(
    target: Target, operations: list[Operation]
) -> None:
    async def in_chunks() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // 1024 + 1):
            yield b"x" * 1024

    large = b'{"sql": "' + b"x" * BODY_LIMIT + b'"}'
    nonsense = (b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"nothing": 1}', b"[" * 20_000, b'{"sql": NaN}')
    taking = [each for each in operations if each.takes_body]
    assert taking
    async with asking(target, Role.ADMIN) as client:
        for operation in taking:
            for content in (large, in_chunks()):
                answer = await client.request(
                    operation.method, operation.url, content=content, headers={"Content-Type": "application/json"}
                )
                assert answer.status_code == 413, (operation.path, answer.text)
                assert answer.headers["content-type"] == "application/problem+json"
            for content in nonsense:
                for media_type in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
                    answer = await client.request(
                        operation.method, operation.url, content=content, headers={"Content-Type": media_type}
                    )
                    assert answer.status_code in (400, 415), (operation.path, content[:20], media_type, answer.text)


TRICKS = (
    *("/v1/../v1/chains", "/v1/./chains", "//v1/chains", "/v1//chains", "/V1/chains", "/v1/chains/", "/v1%2Fchains"),
    *("/v1/%2e%2e/v1/chains", "/health/live/../../v1/chains", "/health/live/%2e%2e/%2e%2e/v1/chains"),
    *("/health/live%2f..%2f..%2fv1%2fchains", "/schema/../metrics", "/schema/%2e%2e/metrics", "/schema/..%2fmetrics"),
    *("/v1/session/../chains", "/v1/session/chains", "/signin/../live", "/signin/_dash-layout", "/signin%2f..%2flive"),
    *("/assets/../live", "/assets/../_dash-layout", "/assets/%2e%2e/_dash-layout", "/assets//etc/passwd"),
    *("/assets/..%2f..%2fpyproject.toml", "/assets/%2e%2e%2f%2e%2e%2fpyproject.toml", "/assets/%2fetc%2fpasswd"),
    *("/assets/....//....//pyproject.toml", "/assets/%c0%ae%c0%ae/pyproject.toml", "/assets/..\\..\\pyproject.toml"),
    *("/assets/%252e%252e/pyproject.toml", "/v1/chains%00", "/v1/%00", "/%00", "/v1/series/%2e%2e%2f%2e%2e"),
    *("/v1/" + "a" * 20_000, "/v1" + "/a" * 5_000, "/v1/series/" + "%41" * 5_000, "/v1/reorgs/%2e%2e"),
    *("/live", "/_dash-layout", "/metrics"),
)


async def test_no_path_leads_around_the_keys_or_out_of_the_folder(target: Target) -> None:
    """Over the whole site, dashboard and all, for somebody without a key."""
    site = Site(target.url, Settings(), Admission.KEYS)
    async with client_of(site, site._api.lifespan()) as client:
        assert (await client.get("/assets/signin.js")).status_code == 200
        for path in TRICKS:
            url = httpx.URL("http://127.0.0.1").copy_with(raw_path=path.encode())
            answer = await client.send(httpx.Request("GET", url), follow_redirects=False)
            assert 300 <= answer.status_code < 500, (path[:60], answer.status_code, answer.text[:200])
            for told in ("ethereum", "root:", "[project]", "props"):
                assert told not in answer.text, (path[:60], answer.text[:200])


@pytest.mark.usefixtures("logs_as_before")
async def test_no_secret_is_ever_logged(target: Target, capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs(Settings(log_level="debug"))
    sent = []
    async with asking(target, Role.ADMIN) as client:
        cookie = (await client.post("/v1/session", json={"key": target.keys[Role.ANALYST]})).cookies[access.COOKIE]
        sent = [*target.keys.values(), cookie, "txhub_wrong", "0x" + "07" * 20, "0x" + "08" * 32]
        for request in (
            {"headers": {"Authorization": f"Bearer {target.keys[Role.VIEWER]}"}},
            {"headers": {"X-API-Key": "txhub_wrong"}},
            {"headers": {"Cookie": f"{access.COOKIE}={cookie}"}},
            {"params": {"key": target.keys[Role.ADMIN], "X-API-Key": "txhub_wrong"}},
            {"headers": {"X-Request-ID": target.keys[Role.ADMIN] + "\n"}},
        ):
            await client.get("/v1/chains", **cast("dict[str, Any]", request))
        await client.post("/v1/session", json={"key": "txhub_wrong"})
        await client.post("/v1/session", json={"key": target.keys[Role.ADMIN], "more": 1})
        await client.get("/v1/transactions", params={"address": "0x" + "07" * 20})
        await client.get("/v1/transactions/ethereum/0x" + "08" * 32)
    told = "".join(capfd.readouterr())
    assert told.count("request") > 5
    for secret in sent:
        assert secret not in told
