"""What a chain's coin is worth in US dollars, as a Chainlink feed on that chain tells it.

A feed is a contract that holds rounds of answers. Operators of the network write a new round when the price has moved
by some tenths of a percent, and at the latest after the feed's heartbeat, an hour to a day.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Context, Decimal
from typing import Any, NamedTuple

import aiohttp
from web3 import AsyncHTTPProvider, AsyncWeb3, WebSocketProvider
from web3.exceptions import BadFunctionCallOutput, ContractLogicError, Web3Exception
from websockets.exceptions import WebSocketException

from txhub.chain.registry import keep_urls_out_of_logs, other_chain, redact
from txhub.chain.transport import TIMEOUT_S, is_websocket, reason, socket_options
from txhub.errors import NodeRefused, NodeUnavailable
from txhub.model import Chain

_MOST_ROUNDS = 500
"""Rounds read at once: some days of a busy feed."""
_ROUND_OF_PHASE = (1 << 64) - 1
"""A round's id is its number in its phase, below that of the phase. A new phase is a new contract behind the feed."""
_TIME_END = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_EXACT = Context(prec=100)
"""Room for any answer: the default context would round after 28 digits."""

_ROUND = [
    ("roundId", "uint80"),
    ("answer", "int256"),
    ("startedAt", "uint256"),
    ("updatedAt", "uint256"),
    ("answeredInRound", "uint80"),
]


def _function(name: str, inputs: list[tuple[str, str]], outputs: list[tuple[str, str]]) -> dict[str, Any]:
    parameters = {
        side: [{"name": name, "type": kind} for name, kind in names]
        for side, names in (("inputs", inputs), ("outputs", outputs))
    }
    return {"type": "function", "name": name, "stateMutability": "view", **parameters}


_ABI = [
    _function("decimals", [], [("", "uint8")]),
    _function("latestRoundData", [], _ROUND),
    _function("getRoundData", [("roundId", "uint80")], _ROUND),
]


class Answer(NamedTuple):
    """A round: since when its answer holds, and US dollars for a whole coin."""

    time: datetime
    usd: Decimal
    round_id: int


async def read_answers(chain: Chain, after: datetime, *, timeout_s: float = TIMEOUT_S) -> list[Answer]:
    """Read the answers of the chain's feed that are later than `after`, the oldest first, from the first node that can.

    At most the newest 500, and none of an earlier phase of the feed. Older rounds that never were answered are left
    out.

    Raises:
        NodeUnavailable: no node answers.
        NodeRefused: a node serves another chain, no feed is at that address, or its newest answer is none: not above
            zero, or of no time.
    """
    keep_urls_out_of_logs()
    failures: list[NodeUnavailable | NodeRefused] = []
    for url in chain.endpoints:
        try:
            return await _read(chain, url, after, timeout_s)
        except (NodeUnavailable, NodeRefused) as failure:
            failures.append(failure)
    raise failures[0] if failures else NodeUnavailable(f"chain {chain.name!r} has no node to ask")


async def _read(chain: Chain, url: str, after: datetime, timeout_s: float) -> list[Answer]:
    where = redact(url)
    feed = f"feed {chain.price_feed} of {chain.name} at {where}"
    try:
        async with _connected(url, timeout_s) as web3:
            if (served := await web3.eth.chain_id) != chain.chain_id:
                raise other_chain(where, served, chain)
            contract = web3.eth.contract(web3.to_checksum_address(chain.price_feed or ""), abi=_ABI)
            decimals = await contract.functions.decimals().call()
            newest = await contract.functions.latestRoundData().call()
            answer = _answer(newest, decimals)
            if answer is None:
                raise NodeRefused(f"the {feed} answers {newest[1]} at {newest[3]}, which is no price")
            return await _since(contract, decimals, answer, after)
    except (ContractLogicError, BadFunctionCallOutput):
        raise NodeRefused(
            f"the {feed} is none: it does not answer as a feed does", hint="check price_feed in txhub.toml"
        ) from None
    except (Web3Exception, WebSocketException, aiohttp.ClientError, OSError, ValueError) as fault:
        raise NodeUnavailable(f"the {feed} cannot be read: {reason(fault)}") from fault


async def _since(contract: Any, decimals: int, newest: Answer, after: datetime) -> list[Answer]:
    found = [newest]
    first = newest.round_id & ~_ROUND_OF_PHASE
    for round_id in range(newest.round_id - 1, max(first, newest.round_id - _MOST_ROUNDS), -1):
        if found[-1].time <= after:
            break
        try:
            answer = _answer(await contract.functions.getRoundData(round_id).call(), decimals)
        except ContractLogicError:  # how some feeds say that they do not have it
            break
        if answer is not None:
            found.append(answer)
    return [answer for answer in reversed(found) if answer.time > after]


def _answer(fields: Any, decimals: int) -> Answer | None:
    round_id, answer, _, updated, _ = fields
    if answer <= 0 or not 0 < updated < _TIME_END:
        return None
    return Answer(datetime.fromtimestamp(updated, UTC), Decimal(answer).scaleb(-decimals, _EXACT), round_id)


@asynccontextmanager
async def _connected(url: str, timeout_s: float) -> AsyncIterator[AsyncWeb3[Any]]:
    """A new web3.py for each read: used ones keep state, and a read is rare."""
    if is_websocket(url):
        async with AsyncWeb3(
            WebSocketProvider(
                url,
                websocket_kwargs=socket_options(timeout_s),
                request_timeout=timeout_s,
                max_connection_retries=1,
            )
        ) as web3:
            yield web3
    else:
        provider = AsyncHTTPProvider(
            url,
            request_kwargs={"timeout": aiohttp.ClientTimeout(total=timeout_s)},
            exception_retry_configuration=None,
        )
        try:
            yield AsyncWeb3(provider)
        finally:
            await provider.disconnect()
