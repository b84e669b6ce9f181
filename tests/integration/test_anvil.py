"""anvil, a real Ethereum node: what it says is the truth that txhub is held to."""

from __future__ import annotations

from typing import Any

import httpx

from tests.anvil import running_anvil


def ask(node: str, method: str, *parameters: object) -> Any:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
    return httpx.post(f"http://{node}", json=request, timeout=10).json()["result"]


def test_it_makes_a_block_for_each_transaction() -> None:
    with running_anvil() as node:
        assert int(ask(node, "eth_chainId"), 16) == 31_337
        sender, receiver, *_ = ask(node, "eth_accounts")
        sent = ask(node, "eth_sendTransaction", {"from": sender, "to": receiver, "value": hex(10**18)})
        block = ask(node, "eth_getBlockByNumber", "latest", False)
        assert (int(block["number"], 16), block["transactions"]) == (1, [sent])
