"""The served node, asked over the wire as any client would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from tests.data import FIRST, LAST, recorded
from txhub.chain.demo.node import serve
from txhub.chain.demo.recorded import Recorded
from txhub.errors import PortInUse
from txhub.model import Family

HEAD = LAST - 2


class Bitcoins:
    """Two blocks of a Bitcoin-like chain."""

    family: Family = "utxo"
    chain_id = 0
    blocks = (
        {"hash": "aa", "height": 0, "tx": []},
        {"hash": "bb", "height": 1, "tx": [{"txid": "01", "vin": [{"vout": 1, "prevout": {"value": 0.5}}]}]},
    )

    async def head_number(self) -> int:
        return 1

    async def block_json(self, number: int) -> bytes | None:
        return json.dumps(self.blocks[number]).encode() if 0 <= number <= 1 else None

    async def header_json(self, number: int) -> bytes | None:
        return json.dumps({"hash": self.blocks[number]["hash"], "height": number}).encode()

    async def receipts_json(self, number: int) -> bytes | None:
        return None

    async def block_hash(self, number: int) -> str | None:
        return str(self.blocks[number]["hash"]) if 0 <= number <= 1 else None

    async def number_by_hash(self, hash: str) -> int | None:  # noqa: A002
        return {"aa": 0, "bb": 1}.get(hash)

    async def heads(self) -> AsyncGenerator[int, None]:
        return
        yield


@pytest.fixture
def network() -> Recorded:
    return Recorded(recorded(), hidden=LAST - HEAD)


@pytest.fixture
async def url(network: Recorded) -> AsyncIterator[str]:
    async with serve({"ethereum": network, "bitcoin": Bitcoins()}) as base:
        yield base


async def post(url: str, request: object) -> Any:
    body = request if isinstance(request, bytes) else json.dumps(request).encode()
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as response:
        assert response.status == 200
        return await response.json()


async def call(url: str, method: str, *params: object) -> Any:
    answer = await post(url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    assert answer["id"] == 1
    assert answer["jsonrpc"] == "2.0"
    return answer["result"] if "result" in answer else (answer["error"]["code"], answer["error"]["message"])


async def test_ethereum_methods(url: str) -> None:
    url += "/ethereum"
    assert await call(url, "eth_chainId") == "0x1"
    assert await call(url, "net_version") == "1"
    assert (await call(url, "web3_clientVersion")).startswith("txhub/")
    assert await call(url, "eth_blockNumber") == hex(HEAD)
    block = await call(url, "eth_getBlockByNumber", hex(FIRST), True)
    assert block["number"] == hex(FIRST)
    assert len(block["transactions"]) > 100
    assert await call(url, "eth_getBlockByHash", block["hash"].upper().replace("X", "x"), True) == block
    header = await call(url, "eth_getBlockByNumber", hex(FIRST), False)
    assert header == {key: value for key, value in block.items() if key != "transactions"}
    for tag in ("latest", "safe", "finalized"):
        assert (await call(url, "eth_getBlockByNumber", tag, False))["number"] == hex(HEAD)


async def test_what_is_not_there_is_null(url: str) -> None:
    url += "/ethereum"
    assert await call(url, "eth_getBlockByNumber", hex(HEAD + 1), True) is None
    assert await call(url, "eth_getBlockByNumber", "earliest", False) is None
    assert await call(url, "eth_getBlockByHash", "0x" + "00" * 32, True) is None
    assert await call(url, "eth_getBlockReceipts", hex(HEAD + 1)) is None


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("eth_getLogs", [], -32601),
        ("eth_getBlockReceipts", ["latest"], -32601),
        ("eth_subscribe", ["newHeads"], -32601),
        ("eth_getBlockByNumber", [], -32602),
        ("eth_getBlockByNumber", ["latest"], -32602),
        ("eth_getBlockByNumber", ["18090205", True], -32602),
        ("eth_getBlockByNumber", ["0x-1", True], -32602),
    ],
)
async def test_refused_calls(url: str, method: str, params: list[Any], code: int) -> None:
    assert (await call(url + "/ethereum", method, *params))[0] == code


async def test_batches_keep_ids_and_order(url: str) -> None:
    answers = await post(
        url + "/ethereum",
        [
            {"id": "b", "method": "eth_chainId"},
            {"id": 1, "method": "eth_nothing", "params": []},
            {"id": 7, "method": "eth_blockNumber", "params": []},
            3,
        ],
    )
    assert [answer["id"] for answer in answers] == ["b", 1, 7, None]
    assert [answer.get("error", {}).get("code") for answer in answers] == [None, -32601, None, -32600]


@pytest.mark.parametrize(("body", "code"), [(b"", -32700), (b"{", -32700), (b"[1", -32700), (b"[]", -32600)])
async def test_what_is_no_request(url: str, body: bytes, code: int) -> None:
    assert (await post(url + "/ethereum", body))["error"]["code"] == code


async def test_bitcoin_methods(url: str) -> None:
    url += "/bitcoin"
    info = await call(url, "getblockchaininfo")
    assert (info["chain"], info["blocks"], info["bestblockhash"]) == ("main", 1, "bb")
    assert await call(url, "getblockcount") == 1
    assert await call(url, "getbestblockhash") == "bb"
    assert await call(url, "getblockhash", 0) == "aa"
    assert await call(url, "getblockheader", "bb") == {"hash": "bb", "height": 1}
    assert (await call(url, "getblock", "bb"))["tx"] == ["01"]
    assert (await call(url, "getblock", "bb", 2))["tx"] == [{"txid": "01", "vin": [{"vout": 1}]}]
    assert await call(url, "getblock", "bb", 3) == Bitcoins.blocks[1]
    assert await call(url, "getblockhash", 2) == (-8, "Block height out of range")
    assert await call(url, "getblock", "cc", 3) == (-5, "Block not found")
    assert await call(url, "getblockheader", "cc") == (-5, "Block not found")


async def test_new_heads(url: str, network: Recorded) -> None:
    async with connect(url.replace("http", "ws") + "/ethereum") as socket:
        await socket.send('{"id":1,"method":"eth_subscribe","params":["newHeads"]}')
        subscription = json.loads(await socket.recv())["result"]
        await socket.send('{"id":2,"method":"eth_chainId"}')
        assert json.loads(await socket.recv()) == {"jsonrpc": "2.0", "id": 2, "result": "0x1"}
        await network.reveal(1)
        head = json.loads(await socket.recv())
        assert head["method"] == "eth_subscription"
        assert head["params"]["subscription"] == subscription
        assert head["params"]["result"]["number"] == hex(HEAD + 1)
        assert "transactions" not in head["params"]["result"]

        await socket.send(json.dumps({"id": 3, "method": "eth_unsubscribe", "params": [subscription]}))
        assert json.loads(await socket.recv())["result"] is True
        await network.reveal(1)
        await socket.send(json.dumps({"id": 4, "method": "eth_unsubscribe", "params": [subscription]}))
        assert json.loads(await socket.recv())["error"]["code"] == -32602
        await socket.send('{"id":5,"method":"eth_subscribe","params":["logs"]}')
        assert json.loads(await socket.recv())["error"]["code"] == -32602


async def test_ends_in_order_with_clients_connected(network: Recorded) -> None:
    async with serve({"ethereum": network}) as url:
        socket = await connect(url.replace("http", "ws") + "/ethereum")
        await socket.send('{"id":1,"method":"eth_subscribe","params":["newHeads"]}')
        await socket.recv()
    with pytest.raises(ConnectionClosedOK):
        await asyncio.wait_for(socket.recv(), 10)


async def test_a_port_is_taken_once(network: Recorded) -> None:
    async with serve({"ethereum": network}) as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(PortInUse, match=str(port)):
            async with serve({"ethereum": network}, port=port):
                pass
