"""Messages arrive, whatever the other side does: real servers that are away, slow, busy, broken or someone else's."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from typer.testing import CliRunner

from tests.blocks import ETHEREUM, START, make_blocks
from tests.commands import environment, run
from tests.receiver import SECRET, receiving
from txhub.alert import delivery, reach, services, webhook
from txhub.alert.channels import Channel, Outcome
from txhub.alert.delivery import LEASE, Courier, replay
from txhub.alert.grouping import Limits
from txhub.alert.lifecycle import catch_up
from txhub.alert.message import say
from txhub.alert.webhook import Webhook
from txhub.cli import app
from txhub.config import ChannelSettings
from txhub.contract import AlertMessage, Severity
from txhub.errors import NotFound, SettingError
from txhub.ports import free_port
from txhub.store.alerts import Finding, Raiser, reconcile
from txhub.store.edition import Edition
from txhub.store.ledger import Ledger
from txhub.store.pool import Pool, open_pool

LIMITS = Limits(timedelta(minutes=10), 50, timedelta(days=9999))
WHALES = Raiser(1, 1, "whales", "amount", Severity.HIGH)
SPAN = (START - timedelta(days=1), START + timedelta(days=1))


@pytest.fixture
def edition() -> Edition:
    """One is enough: nothing here differs between them."""
    return Edition.PLAIN


@pytest.fixture
async def pool(database: str) -> AsyncIterator[Pool]:
    async with open_pool(database, name="test") as pool:
        ledger = Ledger(pool, ETHEREUM)
        await ledger.register()
        await ledger.commit(make_blocks(range(3), transactions=1))
        yield pool


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(delivery, "LONGEST_PAUSE_S", 0.05)
    monkeypatch.setattr(delivery, "LOOK_S", 0.05)


def channel(name: str = "desk", url: str = "", *, service: str | None = None, allow_private: bool = True) -> Channel:
    by = {"url": service} if service else {"webhook": url, "secret": SECRET}
    return Channel(name, ChannelSettings.model_validate({**by, "allow_private": allow_private}))


async def find(pool: Pool, channels: list[Channel], *titles: str) -> None:
    """Let these be all that is found, and plan what is to be told of it."""
    findings = [Finding(title, START, title, block_number=1) for title in titles]
    await reconcile(pool, WHALES, ETHEREUM.chain_id, *SPAN, findings)
    while await catch_up(pool, channels, LIMITS, datetime.now(UTC)):
        pass


@contextlib.asynccontextmanager
async def courier_of(pool: Pool, of: Channel, ahead: timedelta = timedelta()) -> AsyncIterator[Courier]:
    sender = of.sender()
    try:
        yield Courier(pool, of, sender, clock=lambda: datetime.now(UTC) + ahead)
    finally:
        await sender.close()


async def attempts(pool: Pool) -> list[tuple[Any, ...]]:
    rows = await pool.fetch(
        "SELECT channel, number, outcome, status FROM txhub.delivery_attempts a"
        " JOIN txhub.deliveries d ON d.id = a.delivery_id ORDER BY a.started_at, d.id"
    )
    return [tuple(row) for row in rows]


async def states(pool: Pool) -> list[str]:
    return [row["state"] for row in await pool.fetch("SELECT state FROM txhub.deliveries ORDER BY id")]


async def once(pool: Pool, condition: str) -> None:
    """Wait until something holds in the database."""
    async with asyncio.timeout(20):
        while not await pool.fetchval(condition):  # noqa: ASYNC110 (it happens in other tasks' transactions)
            await asyncio.sleep(0.02)


async def test_an_outage_loses_nothing_and_delays_no_other_channel(pool: Pool) -> None:
    port = free_port()
    async with receiving() as fine, receiving() as hangs, asyncio.TaskGroup() as tasks:
        hangs.silent.clear()
        channels = [
            channel("away", f"http://127.0.0.1:{port}/hook"),
            channel("fine", fine.url),
            channel("hangs", hangs.url),
        ]
        async with contextlib.AsyncExitStack() as stack:
            couriers = [await stack.enter_async_context(courier_of(pool, each)) for each in channels]
            running = [tasks.create_task(courier.run()) for courier in couriers]
            await find(pool, channels, "one", "two", "three")
            await fine.wait(3)
            assert len({got.key for got in fine.got}) == 3
            await once(pool, "SELECT count(*) > 0 FROM txhub.delivery_attempts WHERE outcome = 'failed'")
            async with receiving(port) as back:
                await back.wait(3)
                assert sorted(got.changes for got in back.got) == sorted(got.changes for got in fine.got)
            assert len(hangs.got) == 1
            hangs.silent.set()
            await hangs.wait(3)
            await once(pool, "SELECT count(*) = 9 FROM txhub.deliveries WHERE state = 'delivered'")
            for task in running:
                task.cancel()
    tries = await attempts(pool)
    assert [each for each in tries if each[0] == "fine"] == [("fine", 1, "delivered", 200)] * 3
    assert ("away", 1, "failed", None) in tries
    assert len(tries) > 9
    reasons = await pool.fetch("SELECT DISTINCT reason FROM txhub.delivery_attempts WHERE outcome = 'failed'")
    assert [row["reason"].startswith("ConnectError") for row in reasons] == [True]
    told = await pool.fetch("SELECT details FROM txhub.alert_events WHERE event = 'told'")
    assert len(told) == 9


async def test_a_busy_a_broken_and_a_refusing_receiver(pool: Pool) -> None:
    async with receiving() as receiver:
        desk = channel(url=receiver.url)
        await find(pool, [desk], "whale")
        receiver.answers = [web.Response(status=429, headers={"Retry-After": "120"}), 500, 404, 400]
        async with courier_of(pool, desk) as courier:
            assert await courier.deliver_next() == Outcome("failed", 429, "Too Many Requests", 120.0)
            assert await courier.deliver_next() is None
            waits = await pool.fetchval("SELECT due_at - now() FROM txhub.deliveries")
            assert timedelta(seconds=110) < waits <= timedelta(seconds=120)
        for ahead, outcome in ((121, "failed"), (300, "failed"), (600, "refused")):
            async with courier_of(pool, desk, timedelta(seconds=ahead)) as courier:
                result = await courier.deliver_next()
                assert result is not None
                assert result.kind == outcome
        assert await states(pool) == ["dead"]
        assert [each[1:] for each in await attempts(pool)] == [
            (1, "failed", 429),
            (2, "failed", 500),
            (3, "failed", 404),
            (4, "refused", 400),
        ]
        [event] = await pool.fetch("SELECT details FROM txhub.alert_events WHERE event = 'not_told'")
        assert '"Bad Request"' in event["details"]
        assert await replay(pool, "other", None, datetime.now(UTC)) == []
        assert len(await replay(pool, "desk", None, datetime.now(UTC))) == 1
        async with courier_of(pool, desk) as courier:
            assert await courier.deliver_next() == Outcome("delivered", 200)
        assert len({got.key for got in receiver.got}) == 1
        assert len({got.body for got in receiver.got}) == 1
        assert len({got.headers["webhook-signature"] for got in receiver.got}) == len(
            {got.headers["webhook-timestamp"] for got in receiver.got}
        )


async def test_a_message_is_given_up_after_a_day_and_what_waited_goes_once_the_channel_answers(pool: Pool) -> None:
    async with receiving() as receiver:
        desk = channel(url=receiver.url)
        await find(pool, [desk], "one", "two")
        receiver.answers = [500, 500, 200]
        async with courier_of(pool, desk) as courier:
            assert (await courier.deliver_next() or Outcome("delivered")).kind == "failed"
            assert (await courier.deliver_next() or Outcome("delivered")).kind == "failed"
            await pool.execute("UPDATE txhub.deliveries SET due_at = now() + INTERVAL '10 minutes' WHERE id = 2")
            await pool.execute("UPDATE txhub.deliveries SET due_at = now() WHERE id = 1")
            assert await courier.deliver_next() == Outcome("delivered", 200)
            assert await courier.deliver_next() == Outcome("delivered", 200)
        await find(pool, [desk], "one", "two", "three")
        receiver.answers = [500]
        async with courier_of(pool, desk, timedelta(days=1, minutes=1)) as courier:
            await courier.deliver_next()
        assert await states(pool) == ["delivered", "delivered", "dead"]


async def test_a_follow_up_never_comes_before_what_it_follows(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "FIRST_PAUSE_S", 10.0)
    async with receiving() as receiver:
        desk = channel(url=receiver.url)
        await find(pool, [desk], "whale")
        receiver.answers = [500]
        async with courier_of(pool, desk) as courier:
            await courier.deliver_next()
            await find(pool, [desk])  # it may have arrived all the same
            assert await courier.deliver_next() is None
        async with courier_of(pool, desk, timedelta(seconds=11)) as courier:
            while await courier.deliver_next():
                pass
        assert [got.changes for got in receiver.got[1:]] == [[("raised", "whale")], [("retracted", "whale")]]


async def test_a_slow_answer_and_a_redirect_are_no_success(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_S", 0.3)
    async with receiving() as slow:
        slow.silent.clear()
        sender = Webhook(slow.url, SECRET, allow_private=True)
        outcome = await sender.send(*text())
        assert (outcome.kind, outcome.reason) == ("failed", "no answer within 0.3 s")
        await sender.close()
    async with receiving() as receiver, receiving() as elsewhere:
        sender = Webhook(receiver.url, SECRET, allow_private=True)
        receiver.answers = [web.Response(status=307, headers={"Location": elsewhere.url})]
        assert await sender.send(*text()) == Outcome("refused", 307, "a redirect, which is not followed")
        assert elsewhere.got == []
        await sender.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of `localhost` that nobody has signed, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine, which makes the certificates of this test")
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "certificate.pem", folder / "key.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2")
    paths = ("-keyout", str(key), "-out", str(made))
    command = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *paths)
    subprocess.run(command, check=True, capture_output=True)
    return made, key


async def test_a_certificate_has_to_be_the_name_s_and_of_somebody_who_is_trusted(
    certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    async with receiving(tls=tls) as receiver:
        by_name = receiver.url.replace("127.0.0.1", "localhost")
        for url, trusted, wanted in (
            (by_name, False, "CERTIFICATE_VERIFY_FAILED"),
            (receiver.url, True, "CERTIFICATE_VERIFY_FAILED"),
            (by_name, True, None),
        ):
            with monkeypatch.context() as patched:
                if trusted:
                    patched.setenv("SSL_CERT_FILE", str(certificate[0]))
                sender = Webhook(url, SECRET, allow_private=True)
            outcome = await sender.send(*text())
            await sender.close()
            assert outcome.kind == ("failed" if wanted else "delivered")
            assert (wanted or "") in (outcome.reason or "")
        assert len(receiver.got) == 1
        assert receiver.got[0].headers["host"] == f"localhost:{receiver.port}"


async def test_private_addresses_are_refused_unless_they_are_allowed(pool: Pool) -> None:
    async with receiving() as receiver:
        for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost"), "http://[::ffff:7f00:1]:1/"):
            sender = Webhook(url, SECRET)
            outcome = await sender.send(*text())
            assert outcome.kind == "refused"
            assert "not an address of the public Internet" in (outcome.reason or "")
            await sender.close()
        desk = channel(url=receiver.url, allow_private=False)
        await find(pool, [desk], "whale")
        async with courier_of(pool, desk) as courier:
            await courier.deliver_next()
        assert receiver.got == []
        assert await states(pool) == ["dead"]
        mail = services.Service("mail", f"json://localhost:{receiver.port}")
        assert (await mail.send(*text())).kind == "refused"
        assert receiver.got == []
        unknown = Webhook("http://nowhere.invalid/", SECRET)
        assert (await unknown.send(*text())).kind == "failed"


async def test_a_name_that_changes_its_address_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 stands for an address of the Internet, 127.0.0.1 for a service that only this machine reaches."""
    monkeypatch.setattr(reach, "is_public", lambda address: address == "127.0.0.2")
    real = asyncio.get_running_loop().getaddrinfo
    answers = [["127.0.0.2"], ["127.0.0.1"], ["127.0.0.2", "127.0.0.1"]]
    asked: list[str] = []

    async def resolve(host: str, port: int | None, **options: Any) -> Any:
        if host != "rebinding.example":
            return await real(host, port, **options)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers.pop(0)]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    async with receiving() as inside, receiving(inside.port, host="127.0.0.2") as outside:
        sender = Webhook(f"http://rebinding.example:{inside.port}/hook", SECRET)
        assert (await sender.send(*text())).kind == "delivered"
        assert len(asked) == 1
        assert (await sender.send(*text())).kind == "refused"
        assert (await sender.send(*text())).kind == "refused"
        await sender.close()
        assert (len(outside.got), len(inside.got)) == (1, 0)
        assert outside.got[0].headers["host"] == f"rebinding.example:{inside.port}"


KILLED = """
import asyncio, sys
from txhub.alert.channels import Channel
from txhub.alert.delivery import Courier
from txhub.config import ChannelSettings
from txhub.store.pool import open_pool

async def main(database, url, secret):
    channel = Channel("desk", ChannelSettings(webhook=url, secret=secret, allow_private=True))
    async with open_pool(database, name="test") as pool:
        await Courier(pool, channel, channel.sender()).deliver_next()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_what_a_killed_worker_had_sent_is_sent_again_with_the_same_key(pool: Pool, database: str) -> None:
    async with receiving() as receiver:
        desk = channel(url=receiver.url)
        await find(pool, [desk], "whale")
        receiver.silent.clear()
        arguments = ("-c", KILLED, database, receiver.url, SECRET)
        worker = await asyncio.create_subprocess_exec(sys.executable, *arguments)
        await receiver.wait(1)
        worker.kill()
        await worker.wait()
        receiver.silent.set()
        async with courier_of(pool, desk) as courier:
            assert await courier.deliver_next() is None  # it may still be under way
        async with courier_of(pool, desk, LEASE + timedelta(seconds=1)) as courier:
            assert await courier.deliver_next() == Outcome("delivered", 200)
        first, second = receiver.got
        assert (first.key, first.body) == (second.key, second.body)
        assert [each[1:] for each in await attempts(pool)] == [(1, None, None), (2, "delivered", 200)]


class Mailbox:
    """What an SMTP server got; `verdict` is what it answers."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.verdict = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.verdict.startswith("250"):
            self.mails.append(envelope.original_content or b"")
        return self.verdict


@pytest.fixture
def smtp() -> Iterator[tuple[Mailbox, int]]:
    mailbox, port = Mailbox(), free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    yield mailbox, port
    controller.stop()


async def test_mail_by_a_real_server_has_text_and_html(pool: Pool, smtp: tuple[Mailbox, int]) -> None:
    mailbox, port = smtp
    url = f"mailto://127.0.0.1:{port}?from=txhub@example.org&to=desk@example.org"
    mail = channel("mail", service=url)
    await find(pool, [mail], "whale <b> & co")
    async with courier_of(pool, mail) as courier:
        assert await courier.deliver_next() == Outcome("delivered")
    [raw] = mailbox.mails
    message = message_from_bytes(raw)
    assert str(message["subject"]) == "[HIGH] whale <b> & co"
    parts = {part.get_content_type(): part.get_payload(decode=True) for part in message.walk()}
    assert b"whale &lt;b&gt; &amp; co" in parts["text/html"]  # type: ignore[operator]
    assert b"Rule: whales (amount)" in parts["text/plain"]  # type: ignore[union-attr]
    mailbox.verdict = "550 no such person"
    await find(pool, [mail], "whale <b> & co", "another")
    async with courier_of(pool, mail) as courier:
        outcome = await courier.deliver_next()
        assert outcome is not None
        assert outcome.kind == "failed"
        assert outcome.reason


async def test_a_service_that_hangs_or_fails_is_tried_again_and_its_secrets_are_kept(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(services, "TIMEOUT_S", 0.5)
    with socket.socket() as listens:
        listens.bind(("127.0.0.1", 0))
        listens.listen()
        port = listens.getsockname()[1]
        sender = services.Service(
            "desk", f"mailto://user:hunter2hunter2@127.0.0.1:{port}?from=a@example.org", allow_private=True
        )
        hangs = await sender.send(*text())
        assert (hangs.kind, hangs.reason) == ("failed", "no answer within 0.5 s")
        await sender.close()
    desk = channel("desk", service=f"json://me:hunter2hunter2@127.0.0.1:{port}/token123456")
    await find(pool, [desk], "whale")
    async with courier_of(pool, desk) as courier:
        outcome = await courier.deliver_next()
    assert outcome is not None
    assert outcome.kind == "failed"
    kept = str([dict(row) for row in await pool.fetch("SELECT * FROM txhub.delivery_attempts")])
    kept += str([dict(row) for row in await pool.fetch("SELECT * FROM txhub.deliveries")])
    assert "hunter2" not in kept
    assert "token123456" not in kept
    said = capfd.readouterr()
    assert "hunter2" not in said.out + said.err
    with pytest.raises(SettingError, match=r"channels\.desk\.url") as refused:
        services.Service("desk", "nothing://hunter2")
    assert "hunter2" not in str(refused.value)


async def test_a_channel_is_tested_by_a_command(tmp_path: Path) -> None:
    async with receiving() as receiver:
        (tmp_path / "txhub.toml").write_text(
            f'[channels.desk]\nwebhook = "{receiver.url}"\nsecret = "{SECRET}"\nallow_private = true\n'
        )
        test = ("channels", "test", "desk")
        done = await asyncio.to_thread(run, *test, env=environment(), cwd=tmp_path)
        assert done.stdout == "delivered to desk (HTTP 200)\n", done.stderr
        assert receiver.got[-1].message["kind"] == "test"
        receiver.answers = [403]
        refused = await asyncio.to_thread(run, *test, env=environment(), cwd=tmp_path)
        assert refused.returncode == 69
        assert "desk did not take the message (HTTP 403): Forbidden" in refused.stderr


def test_the_commands_show_and_replay(database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    desk = channel(url=f"http://127.0.0.1:{free_port()}/hook")

    async def prepare() -> None:
        async with open_pool(database, name="test") as pool:
            await Ledger(pool, ETHEREUM).register()
            await find(pool, [desk], "whale [bold]")
            async with courier_of(pool, desk, timedelta(days=2)) as courier:
                await courier.deliver_next()

    asyncio.run(prepare())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TXHUB_DATABASE_URL", database)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "txhub.toml").write_text(f'[channels.desk]\nwebhook = "https://a.example"\nsecret = "{SECRET}"\n')

    def txhub(*arguments: str) -> str:
        done = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    assert "whale [bold]" in txhub("alerts", "list", "--case", "open")
    assert "ConnectError" in txhub("alerts", "deliveries", "--state", "dead")
    txhub("alerts", "set", "1", "--case", "resolved", "--assignee", "Zoe", "--note", "all is well")
    shown = txhub("alerts", "show", "1")
    assert all(word in shown for word in ("resolved", "Zoe", "all is well", "not_told", "ConnectError"))
    assert "1 messages are tried again" in txhub("alerts", "replay", "--channel", "desk")
    channels = txhub("channels", "list")
    assert "webhook" in channels
    assert SECRET not in channels
    with pytest.raises(NotFound, match="no channel 'none'"):
        txhub("channels", "test", "none")


def text() -> tuple[AlertMessage, str]:
    return say("0b0c5fd5", "desk", "test", "hello", "a test", Severity.LOW)
