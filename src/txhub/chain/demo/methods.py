"""The JSON-RPC methods of a node: what Ethereum's and Bitcoin's answer, from a network's prepared JSON."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import msgspec

from txhub import __version__
from txhub.model import Family

if TYPE_CHECKING:
    from txhub.chain.demo.node import Network

Params = Sequence[Any]
Method: TypeAlias = "Callable[[Network, Params], Awaitable[bytes]]"
"""Returns the result as JSON text."""

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
REVERTED = 3
"""geth's code for a call that a contract does not take."""
NOT_FOUND, OUT_OF_RANGE = -5, -8
"""Bitcoin Core's own codes, for a hash and for a height that do not exist."""

_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,16}")
_NULL = b"null"


@runtime_checkable
class Contracts(Protocol):
    """A network whose contracts can be called."""

    def contract_says(self, address: str, data: str) -> bytes | None:
        """Return what a contract answers to a call, as its ABI encodes it; None: it takes no such call."""
        ...


class Fault(Exception):
    """A request gets an error object for an answer."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


async def _chain_id(network: Network, params: Params) -> bytes:
    return _json(hex(network.chain_id))


async def _net_version(network: Network, params: Params) -> bytes:
    return _json(str(network.chain_id))


async def _client_version(network: Network, params: Params) -> bytes:
    return _json(f"txhub/{__version__}")


async def _block_number(network: Network, params: Params) -> bytes:
    return _json(hex(await network.head_number()))


async def _block_by_number(network: Network, params: Params) -> bytes:
    number = await _tagged(network, _param(params, 0, str))
    return await _evm_block(network, number, _param(params, 1, bool))


async def _block_by_hash(network: Network, params: Params) -> bytes:
    number = await network.number_by_hash(_param(params, 0, str).lower())
    return await _evm_block(network, number, _param(params, 1, bool))


async def _block_receipts(network: Network, params: Params) -> bytes:
    block = _param(params, 0, str)
    is_hash = len(block) == len("0x") + 64
    number = await (network.number_by_hash(block.lower()) if is_hash else _tagged(network, block))
    if number is None or await network.block_hash(number) is None:
        return _NULL
    receipts = await network.receipts_json(number)
    if receipts is None:
        raise Fault(METHOD_NOT_FOUND, "the method eth_getBlockReceipts is not available")
    return receipts


async def _call(network: Network, params: Params) -> bytes:
    if not isinstance(network, Contracts):
        raise Fault(METHOD_NOT_FOUND, "the method eth_call is not available")
    call = _param(params, 0, dict)
    said = network.contract_says(str(call.get("to")).lower(), str(call.get("data") or call.get("input")).lower())
    if said is None:
        raise Fault(REVERTED, "execution reverted")
    return _json("0x" + said.hex())


async def _evm_block(network: Network, number: int | None, whole: bool) -> bytes:
    if number is None:
        return _NULL
    return await (network.block_json(number) if whole else network.header_json(number)) or _NULL


async def _tagged(network: Network, block: str) -> int:
    """The number that a tag or a hex quantity means. Here the newest block is final at once."""
    if block in {"latest", "safe", "finalized", "pending"}:
        return await network.head_number()
    if block == "earliest":
        return 0
    if not _QUANTITY.fullmatch(block):
        raise Fault(INVALID_PARAMS, f"invalid block number {block!r}")
    return int(block, 16)


async def _blockchain_info(network: Network, params: Params) -> bytes:
    head = await network.head_number()
    return _json(
        {
            "chain": "main" if network.chain_id == 0 else "regtest",
            "blocks": head,
            "headers": head,
            "bestblockhash": await network.block_hash(head),
            "initialblockdownload": False,
            "verificationprogress": 1.0,
            "pruned": False,
        }
    )


async def _block_count(network: Network, params: Params) -> bytes:
    return _json(await network.head_number())


async def _best_block_hash(network: Network, params: Params) -> bytes:
    return _json(await network.block_hash(await network.head_number()))


async def _block_hash(network: Network, params: Params) -> bytes:
    number = _param(params, 0, int)
    block_hash = await network.block_hash(number) if number >= 0 else None
    if block_hash is None:
        raise Fault(OUT_OF_RANGE, "Block height out of range")
    return _json(block_hash)


async def _bitcoin_block(network: Network, params: Params) -> bytes:
    number = await _known(network, _param(params, 0, str))
    verbosity = _param(params, 1, int, 1)
    block = await network.block_json(number)
    if block is None:
        raise Fault(NOT_FOUND, "Block not found")
    if verbosity >= 3:
        return block
    if verbosity <= 0:
        raise Fault(INVALID_PARAMS, "serialised blocks (verbosity 0) are not served here")
    tree = msgspec.json.decode(block)
    if verbosity == 1:
        tree["tx"] = [transaction["txid"] for transaction in tree["tx"]]
    for source in (source for transaction in tree["tx"] if verbosity == 2 for source in transaction["vin"]):
        source.pop("prevout", None)
    return _json(tree)


async def _bitcoin_header(network: Network, params: Params) -> bytes:
    header = await network.header_json(await _known(network, _param(params, 0, str)))
    if header is None:
        raise Fault(NOT_FOUND, "Block not found")
    if not _param(params, 1, bool, True):
        raise Fault(INVALID_PARAMS, "serialised headers are not served here")
    return header


async def _known(network: Network, block_hash: str) -> int:
    number = await network.number_by_hash(block_hash.lower())
    if number is None:
        raise Fault(NOT_FOUND, "Block not found")
    return number


METHODS: Mapping[Family, Mapping[str, Method]] = {
    "evm": {
        "eth_chainId": _chain_id,
        "eth_blockNumber": _block_number,
        "eth_call": _call,
        "eth_getBlockByNumber": _block_by_number,
        "eth_getBlockByHash": _block_by_hash,
        "eth_getBlockReceipts": _block_receipts,
        "net_version": _net_version,
        "web3_clientVersion": _client_version,
    },
    "utxo": {
        "getblockchaininfo": _blockchain_info,
        "getblockcount": _block_count,
        "getbestblockhash": _best_block_hash,
        "getblockhash": _block_hash,
        "getblock": _bitcoin_block,
        "getblockheader": _bitcoin_header,
    },
}


def _param(params: Params, at: int, kind: type[Any], default: Any = None) -> Any:
    value = params[at] if at < len(params) else default
    # A bool is an int to Python, and some clients send verbosity as one; JSON-RPC's own types stay apart.
    if not isinstance(value, kind):
        raise Fault(INVALID_PARAMS, f"parameter {at} is missing or not of type {kind.__name__}")
    return value


def _json(value: object) -> bytes:
    return msgspec.json.encode(value)
