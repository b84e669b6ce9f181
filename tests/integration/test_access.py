"""Keys, roles, limits and sessions: who is let in, and who is told why not."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hmac import compare_digest

import httpx
import pytest

from tests.commands import environment, run, running
from txhub.api import access
from txhub.api.access import COOKIE, Admission
from txhub.api.app import create_app
from txhub.client import ApiError, AsyncClient
from txhub.config import Settings
from txhub.errors import NotFound, UsageError
from txhub.ports import free_port, wait_for_port
from txhub.store.keys import Role, create_key, read_keys, revoke_key
from txhub.store.pool import Pool, open_pool

QUESTION = "/v1/chains"
STATEMENT = {"sql": "SELECT 1 AS one"}


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        yield pool


@asynccontextmanager
async def api(
    database: str, admission: Admission, settings: Settings | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(database, settings or Settings(), admission=admission)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.lifespan(), httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8050") as client:
        yield client


async def test_a_key_is_shown_once_and_kept_as_a_digest(pool: Pool) -> None:
    key = await create_key(pool, "desk", Role.ANALYST, 120)
    assert key.startswith("txhub_")
    assert len(key) == len("txhub_") + 43  # 256 bits
    stored = await pool.fetch("SELECT * FROM txhub_access.keys")
    assert key not in str([dict(row) for row in stored])
    with pytest.raises(UsageError, match="'desk' has a key already"):
        await create_key(pool, "desk", Role.VIEWER)
    await revoke_key(pool, "desk")
    with pytest.raises(NotFound):
        await revoke_key(pool, "desk")
    assert await create_key(pool, "desk", Role.VIEWER) != key
    [first, second] = await read_keys(pool)
    assert (first.role, first.requests_per_minute, first.revoked_at is None) == (Role.ANALYST, 120, False)
    assert (second.role, second.revoked_at) == (Role.VIEWER, None)


async def test_every_route_but_the_open_ones_wants_a_key(database: str, pool: Pool) -> None:
    key = await create_key(pool, "desk", Role.VIEWER)
    async with api(database, Admission.KEYS) as client:
        paths = (await client.get("/schema/openapi.json")).json()["paths"]
        opened = {"/health/live", "/health/ready"}
        for path, methods in paths.items():
            for method in methods:
                url = re.sub(r"\{[^}]+\}", "1", path)
                for headers in ({}, {"X-API-Key": "wrong"}, {"Authorization": "Basic dXNlcjpwYXNz"}):
                    answer = await client.request(method, url, headers=headers)
                    if path in opened or path == "/v1/session":
                        continue
                    assert answer.status_code in (401, 429), (method, path, answer.text)
                    assert answer.headers["content-type"] == "application/problem+json"
                    wanted = {401: "www-authenticate", 429: "retry-after"}[answer.status_code]
                    assert answer.headers[wanted]
        for path in opened:
            assert (await client.get(path)).status_code == 200
        for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}, {"Authorization": f"bearer {key}"}):
            assert (await client.get(QUESTION, headers=headers)).status_code == 200


async def test_a_role_does_what_it_covers(database: str, pool: Pool) -> None:
    keys = {role: await create_key(pool, role.value, role) for role in Role}
    async with api(database, Admission.KEYS) as client:
        for role, key in keys.items():
            answer = await client.post("/v1/sql", json=STATEMENT, headers={"X-API-Key": key})
            assert answer.status_code == (403 if role is Role.VIEWER else 200), answer.text
            who = (await client.get("/v1/session", headers={"X-API-Key": key})).json()
            assert (who["role"], who["requests_per_minute"]) == (role.value, 600)
        assert (
            "role analyst"
            in (await client.post("/v1/sql", json=STATEMENT, headers={"X-API-Key": keys[Role.VIEWER]})).json()["detail"]
        )


async def test_a_revoked_key_and_its_sessions_end(database: str, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    key = await create_key(pool, "desk", Role.VIEWER)
    async with api(database, Admission.KEYS) as client:
        assert (await client.post("/v1/session", json={"key": key})).status_code == 204
        assert (await client.get(QUESTION)).status_code == 200  # by the cookie
        await revoke_key(pool, "desk")
        monkeypatch.setattr(access, "KNOWN_FOR_S", 0.0)
        assert (await client.get(QUESTION)).status_code == 401
        assert (await client.get(QUESTION, headers={"X-API-Key": key})).status_code == 401


async def test_a_session_is_a_cookie_that_only_this_server_makes(
    database: str, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await create_key(pool, "desk", Role.VIEWER)
    async with api(database, Admission.KEYS) as client:
        assert (await client.post("/v1/session", json={"key": key[:-1]})).status_code == 401
        answer = await client.post("/v1/session", json={"key": key}, headers={"X-Forwarded-Proto": "https"})
        flags = {part.strip().lower().partition("=")[0] for part in answer.headers["set-cookie"].split(";")[1:]}
        assert {"httponly", "samesite", "secure", "path", "max-age"} <= flags
        cookie = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
        assert key not in cookie
        client.cookies.clear()
        assert (await client.get(QUESTION, headers={"Cookie": f"{COOKIE}={cookie}"})).status_code == 200
        for place in range(0, len(cookie) - 1, 7):
            forged = cookie[:place] + ("A" if cookie[place] != "A" else "B") + cookie[place + 1 :]
            assert (await client.get(QUESTION, headers={"Cookie": f"{COOKIE}={forged}"})).status_code == 401, place
        out = await client.delete("/v1/session")
        assert "max-age=0" in out.headers["set-cookie"].lower()
        monkeypatch.setattr(access, "SESSION_S", -1)
        late = (await client.post("/v1/session", json={"key": key})).headers["set-cookie"]
        late = late.partition("=")[2].partition(";")[0]
        client.cookies.clear()
        assert (await client.get(QUESTION, headers={"Cookie": f"{COOKIE}={late}"})).status_code == 401
    async with api(database, Admission.KEYS) as other:
        assert (await other.get(QUESTION, headers={"Cookie": f"{COOKIE}={cookie}"})).status_code == 401


async def test_a_key_may_ask_so_often_and_wrong_keys_are_told_to_wait(database: str, pool: Pool) -> None:
    key = await create_key(pool, "desk", Role.VIEWER, 60)
    other = await create_key(pool, "other", Role.VIEWER, 60)
    async with api(database, Admission.KEYS) as client:
        statuses = [(await client.get(QUESTION, headers={"X-API-Key": key})).status_code for _ in range(12)]
        assert statuses[:10] == [200] * 10  # ten seconds' worth at once
        assert 429 in statuses[10:]
        waiting = await client.get(QUESTION, headers={"X-API-Key": key})
        assert waiting.status_code == 429
        assert int(waiting.headers["retry-after"]) >= 1
        assert (await client.get(QUESTION, headers={"X-API-Key": other})).status_code == 200
        guesses = [(await client.get(QUESTION, headers={"X-API-Key": f"txhub_{n}"})).status_code for n in range(30)]
        assert guesses[0] == 401
        assert guesses[-1] == 429
        # Whoever has a key is not kept out by one who guesses from the same address.
        assert (await client.get(QUESTION, headers={"X-API-Key": other})).status_code == 200


async def test_pages_of_other_sites_change_nothing_and_read_nothing(database: str) -> None:
    async with api(database, Admission.LOCAL) as client:
        ours = await client.post("/v1/sql", json=STATEMENT, headers={"Origin": "http://127.0.0.1:8050"})
        assert ours.status_code == 200
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://127.0.0.1:9999"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            refused = await client.post("/v1/sql", json=STATEMENT, headers=headers)
            assert refused.status_code == 403, headers
        read = await client.get(QUESTION, headers={"Origin": "https://evil.example"})
        assert not [name for name in read.headers if name.startswith("access-control-")]
        asked = await client.options(
            "/v1/sql", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        )
        assert not [name for name in asked.headers if name.startswith("access-control-")]
        # A name that was made to point here.
        for host in ("evil.example", "evil.example:8050", "127.0.0.1.evil.example", "[::1", ""):
            assert (await client.get(QUESTION, headers={"Host": host})).status_code == 421, host
        for host in ("localhost", "localhost:1234", "[::1]:8050", "LOCALHOST"):
            assert (await client.get(QUESTION, headers={"Host": host})).status_code == 200, host
    async with api(database, Admission.LOCAL, Settings(hosts=["txhub.example"])) as client:
        assert (await client.get(QUESTION, headers={"Host": "txhub.example"})).status_code == 200


async def test_every_key_is_compared_in_full(database: str, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the place of a key among the others nor a wrong one's likeness to it shows in the time it takes."""
    keys = [await create_key(pool, name, Role.VIEWER) for name in ("first", "second", "third")]
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return compare_digest(one, other)

    monkeypatch.setattr("txhub.api.access.hmac.compare_digest", compare)
    async with api(database, Admission.KEYS) as client:
        for key in (*keys, keys[0][:-1], "x"):
            compared.clear()
            await client.get(QUESTION, headers={"X-API-Key": key})
            assert len(compared) == 1 + len(keys)
            assert {len(each) for each in compared} == {32}


def test_the_commands_and_a_server_that_others_reach(database: str) -> None:
    env = environment(database)
    port = free_port()
    refused = run("serve", "--host", "0.0.0.0", "--port", str(port), env=env)
    assert refused.returncode == 2
    assert "asks for keys, and there are none" in refused.stderr
    made = run("keys", "create", "desk", "--role", "analyst", env=env)
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()
    assert "desk" in run("keys", "list", env=env).stdout
    assert key not in run("keys", "list", env=env).stdout
    with running("serve", "--port", str(port), env=env | {"TXHUB_REQUIRE_KEYS": "true"}) as server:
        wait_for_port(port, server)
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as browser:
            assert browser.get("/health/live").status_code == 200
            assert browser.get(QUESTION).status_code == 401
            page = browser.get("/", headers={"Accept": "text/html"})
            assert (page.status_code, page.headers["location"]) == (303, "/signin")
            for path in ("/_dash-layout", "/live"):
                assert browser.get(path).status_code == 401, path
            assert "Your key" in browser.get("/signin").text
            assert browser.get("/assets/signin.js").status_code == 200
            assert browser.post("/v1/session", json={"key": key}).status_code == 204
            assert browser.get("/", headers={"Accept": "text/html"}).status_code == 200
            assert browser.get("/_dash-layout").status_code == 200
    assert run("keys", "revoke", "desk", env=env).returncode == 0
    assert run("keys", "revoke", "desk", env=env).returncode == 2


async def test_the_client_sends_its_key(database: str, pool: Pool) -> None:
    key = await create_key(pool, "desk", Role.VIEWER)
    async with api(database, Admission.KEYS) as transport:
        for sent, allowed in ((key, True), ("nothing", False)):
            client = AsyncClient("http://127.0.0.1", sent)
            transport.headers.update(client._http.headers)
            await client.close()
            client._http = transport
            if allowed:
                assert await client.chains() == []
                continue
            with pytest.raises(ApiError) as refused:
                await client.chains()
            assert refused.value.answer_status == 401
