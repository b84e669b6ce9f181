"""Receipts, limits and tokens over the wire: whatever a node has and however it complains, what arrives is right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from web3 import Web3

from tests.anvil import running_anvil
from tests.blocks import ETHEREUM
from tests.integration.test_evm_source import node, served, source_of
from tests.unit.test_receipts import FACTS, TRANSFER, body, decode, logs_of, receipts
from txhub.chain import pace
from txhub.chain.demo.network import DEMO_CHAINS, DemoNetwork
from txhub.chain.demo.node import serve
from txhub.chain.evm import EvmSource
from txhub.chain.jsonrpc import MethodMissing
from txhub.chain.source import Notice
from txhub.errors import BadBlock, NodeBusy, NodeUnavailable
from txhub.model import Block

NUMBERS = sorted(FACTS)
FIRST = NUMBERS[0]
BLOCK, TRANSACTION, LOGS = "eth_getBlockReceipts", "eth_getTransactionReceipt", "eth_getLogs"
MISSING = {"code": -32601, "message": "the method does not exist/is not available"}
SCHEMES = ("ws", "http")
Request = dict[str, Any]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE_S", 0.01)


class Mainnet:
    """Answers for the blocks whose receipts are recorded, by these methods of receipts only."""

    def __init__(self, *methods: str, missing: dict[str, Any] = MISSING) -> None:
        self.methods = methods
        self.missing = missing
        self.bodies = {hex(number): body(number) for number in NUMBERS}
        self.bodies |= {tree["hash"]: tree for tree in self.bodies.values()}
        self.receipts: dict[str, Any] = {hex(number): receipts(number) for number in NUMBERS}
        self.receipts |= {said[0]["blockHash"]: said for said in self.receipts.values()}
        self.asked: list[str] = []

    def __call__(self, request: Any) -> Any:
        return [self.answer(one) for one in request] if isinstance(request, list) else self.answer(request)

    async def on_post(self, request: web.Request) -> web.Response:
        return web.json_response(self(json.loads(await request.read())))

    def answer(self, request: Request) -> Request:
        method, params = request["method"], request["params"]
        self.asked.append(method)
        head = {"jsonrpc": "2.0", "id": request["id"]}
        if method in {BLOCK, TRANSACTION, LOGS} and method not in self.methods:
            return head | {"error": self.missing}
        if method == LOGS:
            return head | self.logs(params[0])
        if method == TRANSACTION:
            every = (receipt for said in self.receipts.values() for receipt in said or ())
            return head | {"result": next((one for one in every if one["transactionHash"] == params[0]), None)}
        if method == BLOCK:
            return head | {"result": self.receipts.get(params[0])}
        return head | {"result": "0x1" if method == "eth_chainId" else self.bodies.get(params[0])}

    def logs(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if wanted["blockHash"] not in self.bodies:
            return {"error": {"code": -32000, "message": "unknown block"}}
        found = logs_of(int(self.bodies[wanted["blockHash"]]["number"], 16))
        return {"result": [log for log in found if log["topics"] and log["topics"][0] in wanted["topics"][0]]}


def good(answers: Sequence[Block | BadBlock]) -> list[Block]:
    assert [answer for answer in answers if isinstance(answer, BadBlock)] == []
    return [answer for answer in answers if isinstance(answer, Block)]


def told(source: EvmSource) -> list[Notice]:
    notices: list[Notice] = []
    source.notify = notices.append
    return notices


WHOLE = [
    pytest.param((BLOCK, TRANSACTION, LOGS), "block", id="all"),
    pytest.param((TRANSACTION, LOGS), "transaction", id="not by block"),
]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("methods", "by"), WHOLE)
async def test_receipts_come_with_their_blocks(scheme: str, methods: tuple[str, ...], by: str) -> None:
    mainnet = Mainnet(*methods)
    async with node(scheme, mainnet) as url, source_of(url) as source:
        notices = told(source)
        blocks = good(await source.blocks(NUMBERS))
        assert blocks == [decode(body(number), receipts(number)) for number in NUMBERS]
        assert await source.block_by_hash(blocks[1].hash, NUMBERS[1]) == blocks[1]
        assert [(notice.event, notice.details["by"]) for notice in notices] == [("receipts_by", by)]
        assert not set(mainnet.asked) & ({LOGS} | ({TRANSACTION} if by == "block" else set()))


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_logs_alone_are_better_than_nothing(scheme: str) -> None:
    async with node(scheme, Mainnet(LOGS)) as url, source_of(url) as source:
        notices = told(source)
        for block, number in zip(good(await source.blocks(NUMBERS)), NUMBERS, strict=True):
            whole = decode(body(number), receipts(number))
            assert block.token_transfers == whole.token_transfers
            assert [row.kind for row in block.transactions] == [row.kind for row in whole.transactions]
            assert {(row.success, row.gas_used, row.fee) for row in block.transactions} == {(None, None, None)}
        assert [notice.details["by"] for notice in notices] == ["logs"]


@pytest.mark.parametrize(
    "missing",
    [
        MISSING,
        {"code": -32004, "message": "Method not supported"},
        {"code": -32600, "message": "Unsupported method: eth_getBlockReceipts on ETH_MAINNET"},
        {"code": -32000, "message": "eth_getBlockReceipts is not available on your plan"},
        {"code": 35, "message": "method is not available on freetier"},
    ],
)
async def test_a_node_without_receipts_is_asked_for_them_once(missing: dict[str, Any]) -> None:
    mainnet = Mainnet(missing=missing)
    async with node("ws", mainnet) as url, source_of(url) as source:
        notices = told(source)
        for _ in range(3):
            blocks = good(await source.blocks(NUMBERS))
        assert blocks == [decode(body(number), None) for number in NUMBERS]
        assert [notice.details["by"] for notice in notices] == ["nothing"]
        assert [mainnet.asked.count(method) for method in (BLOCK, TRANSACTION, LOGS)] == [1, 1, 1]


@pytest.mark.parametrize("method", [BLOCK, TRANSACTION])
@pytest.mark.parametrize("late", [None, []], ids=["null", "empty"])
async def test_a_block_waits_for_its_receipts(method: str, late: object) -> None:
    mainnet = Mainnet(method)
    said, mainnet.receipts[hex(FIRST)], block_hash = receipts(FIRST), late, body(FIRST)["hash"]
    mainnet.receipts[block_hash] = late
    async with node("http", mainnet) as url, source_of(url) as source:
        refused, *others = await source.blocks(NUMBERS)
        assert len(good(others)) == 2
        assert isinstance(refused, BadBlock)
        assert f"block {FIRST} is refused: the node does not have its receipts" in str(refused)
        with pytest.raises(BadBlock, match="does not have its receipts"):
            await source.block_by_hash(bytes.fromhex(block_hash[2:]), FIRST)
        mainnet.receipts[hex(FIRST)] = said
        assert good(await source.blocks([FIRST])) == [decode(body(FIRST), said)]


async def test_receipts_of_another_branch_are_refused() -> None:
    mainnet = Mainnet(BLOCK)
    mainnet.receipts[hex(FIRST)] = [receipt | {"blockHash": "0x" + "12" * 32} for receipt in receipts(FIRST)]
    async with node("ws", mainnet) as url, source_of(url) as source:
        [refused] = await source.blocks([FIRST])
        assert "belongs to another block" in str(refused)


async def test_an_error_for_receipts_refuses_their_block_only() -> None:
    class Pruned(Mainnet):
        def answer(self, request: Request) -> Request:
            if request["method"] == BLOCK and request["params"] == [hex(FIRST)]:
                return {"id": request["id"], "error": {"code": -32000, "message": "pruned history"}}
            return super().answer(request)

    async with node("ws", Pruned(BLOCK)) as url, source_of(url) as source:
        refused, *others = await source.blocks(NUMBERS)
        assert len(good(others)) == 2
        assert "pruned history" in str(refused)


async def test_each_node_is_asked_what_it_has() -> None:
    """The one that takes over may have less."""

    class Dying(Mainnet):
        def __call__(self, request: Any) -> Any:
            return b"{" if self.asked.count(BLOCK) > 3 else super().__call__(request)

    async with (
        node("http", Dying(BLOCK)) as first,
        node("http", Mainnet()) as second,
        source_of(first, second) as source,
    ):
        notices = told(source)
        assert good(await source.blocks(NUMBERS))[0].transactions[0].success is True
        with pytest.raises(NodeUnavailable):
            await source.blocks(NUMBERS)
        assert good(await source.blocks(NUMBERS))[0].transactions[0].success is None
        assert [notice.event for notice in notices] == ["receipts_by", "endpoint_changed", "receipts_by"]


def sizes_up_to(most: int, refuse: Callable[[list[Request]], Any], sizes: list[int]) -> Callable[[Any], Any]:
    """A node that refuses longer batches in its way; the sizes of those that it took are noted down."""
    mainnet = Mainnet(BLOCK)

    def answer(request: Any) -> Any:
        if isinstance(request, list) and len(request) > most:
            sizes.append(-len(request))
            return refuse(request)
        sizes.append(len(request) if isinstance(request, list) else 1)
        return mainnet(request)

    return answer


TOO_LARGE: dict[str, Callable[[list[Request]], Any]] = {
    "one error": lambda _: {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "batch too large"}},
    "one error of a busy one": lambda _: {"id": None, "error": {"code": -32005, "message": "batch size exceeded"}},
    "geth's": lambda batch: [{"id": batch[0]["id"], "error": {"code": -32600, "message": "batch too large"}}],
    "geth's for the answer": lambda batch: [
        {"id": one["id"], "error": {"code": -32003, "message": "response too large"}} for one in batch
    ],
}


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("refuse", TOO_LARGE.values(), ids=TOO_LARGE)
@pytest.mark.parametrize("most", [1, 4])
async def test_a_batch_that_is_too_large_is_halved(
    scheme: str, refuse: Callable[[list[Request]], Any], most: int
) -> None:
    sizes: list[int] = []
    numbers = NUMBERS * 4
    async with node(scheme, sizes_up_to(most, refuse, sizes)) as url, source_of(url) as source:
        notices = told(source)
        assert [block.number for block in good(await source.blocks(numbers))] == numbers
        assert min(sizes) < 0
        assert {notice.event for notice in notices} == {"receipts_by", "slowed_down"}
        sizes.clear()
        assert [block.number for block in good(await source.blocks(numbers))] == numbers
        assert min(sizes) > 0  # it is remembered


async def test_a_request_that_http_does_not_take_is_halved() -> None:
    mainnet = Mainnet(BLOCK)

    async def on_post(request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        return web.Response(status=413) if len(asked) > 5 else web.json_response(mainnet(asked))

    async with one_post(on_post) as url, source_of(url) as source:
        assert len(good(await source.blocks(NUMBERS * 4))) == 12


@asynccontextmanager
async def one_post(on_post: Any) -> AsyncIterator[str]:
    app = web.Application(client_max_size=2**24)
    app.router.add_post("/", on_post)
    async with served(app, "http") as url:
        yield url


class Busy:
    """A node that lets so many of its next requests for blocks wait, by HTTP status or by an error."""

    def __init__(self, complaints: int, *, by_error: bool, headers: dict[str, str] | None = None) -> None:
        self.left = complaints
        self.by_error = by_error
        self.headers = headers or {}
        self.mainnet = Mainnet(BLOCK)

    async def on_post(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.read())
        if self.left and "eth_getBlockByNumber" in str(asked):
            self.left -= 1
            if not self.by_error:
                return web.Response(status=429, headers=self.headers)
            error = {"code": -32005, "message": "limit exceeded"}
            refusals = [{"id": one["id"], "error": error} for one in (asked if isinstance(asked, list) else [asked])]
            return web.json_response(refusals if isinstance(asked, list) else refusals[0])
        return web.json_response(self.mainnet(asked))


@pytest.mark.parametrize("by_error", [True, False], ids=["error", "429"])
async def test_a_busy_node_is_waited_for(by_error: bool) -> None:
    busy = Busy(3, by_error=by_error)
    async with (
        one_post(busy.on_post) as url,
        one_post(Mainnet(BLOCK).on_post) as spare,
        source_of(url, spare) as source,
    ):
        notices = told(source)
        assert [block.number for block in good(await source.blocks(NUMBERS))] == NUMBERS
        assert busy.left == 0
        events = [notice.event for notice in notices]
        assert "slowed_down" in events
        assert "endpoint_changed" not in events


async def test_a_node_that_stays_busy_gives_way_to_the_next() -> None:
    busy = Busy(99, by_error=False)
    async with (
        one_post(busy.on_post) as url,
        one_post(Mainnet(BLOCK).on_post) as spare,
        source_of(url, spare) as source,
    ):
        notices = told(source)
        with pytest.raises(NodeBusy):
            await source.blocks(NUMBERS)
        assert [block.number for block in good(await source.blocks(NUMBERS))] == NUMBERS
        assert "endpoint_changed" in [notice.event for notice in notices]


@pytest.mark.parametrize("after", ["3600", "Fri, 31 Dec 2999 23:59:59 GMT"])
async def test_a_pause_that_the_node_asks_for_ends_with_the_source(after: str) -> None:
    busy = Busy(1, by_error=False, headers={"Retry-After": after})
    async with one_post(busy.on_post) as url, source_of(url) as source:
        slowed = asyncio.Event()
        source.notify = lambda notice: slowed.set() if notice.event == "slowed_down" else None
        asking = asyncio.create_task(source.blocks(NUMBERS))
        await slowed.wait()
        assert not asking.done()
        await source.close()
        with pytest.raises(NodeUnavailable, match="closed"):
            await asking


async def test_receipts_of_the_demo_network() -> None:
    chain, network = DEMO_CHAINS[0], DemoNetwork(DEMO_CHAINS[0])
    last = await network.head_number()
    numbers = range(last - 1000, last - 990)
    async with serve({"demo": network}) as url:
        source = EvmSource(replace(chain, endpoints=(f"{url}/demo",)))
        try:
            blocks = good(await source.blocks(numbers))
        finally:
            await source.close()
    said = [json.loads(await network.receipts_json(number) or b"") for number in numbers]
    rows = [row for block in blocks for row in block.transactions]
    assert [row.success for row in rows] == [each["status"] == "0x1" for block in said for each in block]
    assert sum(row.fee or 0 for row in rows) == sum(
        int(each["gasUsed"], 16) * int(each["effectiveGasPrice"], 16) for block in said for each in block
    )
    transfers = [row for block in blocks for row in block.token_transfers]
    assert len(transfers) == sum(len(each["logs"]) for block in said for each in block) > 0
    assert sum(row.kind == "token_transfer" for row in rows) >= len(transfers)


REVERTS, TOKEN = (Web3.to_checksum_address("0x" + byte * 20) for byte in ("c0", "c1"))
REVERT = "0x60006000fd"


def emits(sender: str, receiver: str, amount: int) -> str:
    """The code of a contract that logs a transfer, whatever it is asked."""
    return f"0x60{amount:02x}60005273{receiver[2:].lower()}73{sender[2:].lower()}7f{TRANSFER[2:]}60206000a300"


def tells(symbol: bytes, decimals: int) -> str:
    """The code of a contract that answers symbol() with these bytes, and everything else with a number."""
    size, start = f"{len(symbol):02x}", "26"
    head = "60003560e01c6395d89b4114601957" + f"60{decimals:02x}60005260206000f3"
    code = f"{head}5b60{size}60{start}60003960{size}6000f3"
    assert len(code) == 2 * int(start, 16)
    return f"0x{code}{symbol.hex()}"


@pytest.fixture
def anvil() -> Iterator[Web3]:
    with running_anvil() as address:
        yield Web3(Web3.HTTPProvider(f"http://{address}"))


@asynccontextmanager
async def following(anvil: Web3) -> AsyncIterator[EvmSource]:
    source = EvmSource(replace(ETHEREUM, chain_id=31337, endpoints=(str(anvil.provider.endpoint_uri),)))
    try:
        yield source
    finally:
        await source.close()


async def test_a_real_nodes_receipts(anvil: Web3) -> None:
    alice, bob = anvil.eth.accounts[:2]
    anvil.provider.make_request("anvil_setCode", [REVERTS, REVERT])
    anvil.provider.make_request("anvil_setCode", [TOKEN, emits(alice, bob, 42)])
    sent = [
        anvil.eth.send_transaction({"from": alice, "to": bob, "value": 5, "gas": 30_000}),
        anvil.eth.send_transaction({"from": alice, "to": REVERTS, "gas": 100_000, "data": "0xa9059cbb"}),
        anvil.eth.send_transaction({"from": alice, "to": TOKEN, "gas": 100_000, "data": "0x12345678"}),
    ]
    async with following(anvil) as source:
        blocks = good(await source.blocks([1, 2, 3]))
    rows = [block.transactions[0] for block in blocks]
    for key, row in zip(sent, rows, strict=True):
        receipt = anvil.eth.get_transaction_receipt(key)
        assert (row.success, row.gas_used, row.gas_price, row.fee) == (
            receipt["status"] == 1,
            receipt["gasUsed"],
            receipt["effectiveGasPrice"],
            receipt["gasUsed"] * receipt["effectiveGasPrice"],
        )
    assert [(row.success, row.kind) for row in rows] == [
        (True, "transfer"),
        (False, "token_transfer"),
        (True, "token_transfer"),
    ]
    [transfer] = [transfer for block in blocks for transfer in block.token_transfers]
    assert (transfer.token_address, transfer.amount, transfer.block_number) == (bytes.fromhex(TOKEN[2:]), 42, 3)
    assert f"0x{transfer.from_address.hex()}" == alice.lower()


def text(value: bytes) -> bytes:
    """A string as contracts encode it."""
    return (32).to_bytes(32, "big") + len(value).to_bytes(32, "big") + value.ljust((len(value) + 31) // 32 * 32, b"\0")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (tells(text(b"USDC"), 6), ("USDC", 6)),
        (tells(text("USD₮".encode()), 6), ("USD₮", 6)),
        (tells(b"MKR".ljust(32, b"\0"), 18), ("MKR", 18)),
        (tells(text(b""), 0), (None, 0)),
        (tells(b"\0" * 32, 0), (None, 0)),
        (tells(text(b"\xff\xfe"), 255), (None, 255)),
        (tells(text(b"A\0B"), 1), (None, 1)),
        (tells(text(b"A" * 65), 1), (None, 1)),
        (tells(text(b"ABCD")[:-30], 1), (None, 1)),
        (tells(b"\xff" * 32 + b"AB", 1), (None, 1)),
        (tells(b"", 1), (None, 1)),
        (REVERT, (None, None)),
        ("0xfe", (None, None)),
        ("0x", (None, None)),
        ("0x61ffff60005260206000f3", (None, None)),  # tells 65535, whatever it is asked
    ],
)
async def test_tokens(anvil: Web3, code: str, expected: tuple[str | None, int | None]) -> None:
    anvil.provider.make_request("anvil_setCode", [TOKEN, code])
    async with following(anvil) as source:
        assert await source.token(bytes.fromhex(TOKEN[2:])) == expected


async def test_a_node_that_calls_no_contracts_says_nothing_of_tokens() -> None:
    class Storage(Mainnet):
        def answer(self, request: Request) -> Request:
            if request["method"] == "eth_call":
                return {"id": request["id"], "error": MISSING}
            return super().answer(request)

    async with node("ws", Storage()) as url, source_of(url) as source:
        with pytest.raises(MethodMissing):
            await source.token(b"\x11" * 20)
