"""From an EVM node's receipts to what they tell of a transaction: how it ended, what it cost, which tokens it moved.

A transfer is a log that has the standard's event, and exactly its number of topics and its length of data:

| event | topics | data | standard |
|---|---|---|---|
| `Transfer(from, to, value)` | 3 | one word | ERC-20 |
| `Transfer(from, to, tokenId)` | 4 | none | ERC-721, amount 1 |
| `TransferSingle(operator, from, to, id, value)` | 4 | two words | ERC-1155 |
| `TransferBatch(operator, from, to, ids, values)` | 4 | two lists of one length | ERC-1155, a row for each pair |

Any contract may write what it likes into its logs. What only looks like a transfer (CryptoKitties' event of the same
name without topics, an address of more than 20 bytes) is passed over. A transfer of nothing is one, as ERC-20 says.
"""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from txhub.contract import Kind
from txhub.model import TokenTransfer

TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
TRANSFER_SINGLE = "0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62"
TRANSFER_BATCH = "0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb"

_ADDRESS_CHARS = 2 + 2 * 20
_WORD_DIGITS = 2 * 32
_WORD_CHARS = 2 + _WORD_DIGITS
_ADDRESS_PADDING = "0x" + "00" * 12
_BIGINT_END = 1 << 63
_INT_END = 1 << 31
_UINT256_END = 1 << 256
_BLOB_TYPE = 3
_ONE = Decimal(1)
_SUCCESS = {"0x1": True, "0x0": False, None: None}
"""What a receipt's status means; before the Byzantium fork there was none."""

_row = TokenTransfer._make
_TOKEN = Kind.TOKEN_TRANSFER.value
_NFT = Kind.NFT_TRANSFER.value
_CALL = Kind.CONTRACT_CALL.value

Place: TypeAlias = tuple[int, int, datetime, int]
"""Chain id, block number, block time and a transaction's index in the block."""


class RawLog(msgspec.Struct, rename="camel", gc=False):
    """A log as JSON-RPC gives it."""

    address: str
    topics: list[str]
    data: str
    log_index: str


class RawFoundLog(RawLog, gc=False):
    """A log that `eth_getLogs` found, with the place that it comes from."""

    block_hash: str
    transaction_hash: str


class RawReceipt(msgspec.Struct, rename="camel", gc=False):
    """A receipt as JSON-RPC gives it; where only logs are known, all quantities are None."""

    transaction_hash: str
    block_hash: str
    logs: list[RawLog]
    gas_used: str | None = None
    effective_gas_price: str | None = None
    status: str | None = None
    l1_fee: str | None = None
    blob_gas_used: str | None = None
    blob_gas_price: str | None = None


Outcome: TypeAlias = tuple[bool | None, int | None, int | None, Decimal | None]
"""Success, used gas, wei paid for each unit of it, and the whole fee in wei; None is what a receipt does not tell."""


def of_logs(block_hash: str, transactions: Iterable[str], logs: Iterable[RawFoundLog]) -> list[RawReceipt]:
    """Make receipts that tell nothing but logs: one for each of a block's transactions, given by their hashes.

    Raises:
        ValueError: a log belongs to another block.
    """
    receipts = {key: RawReceipt(key, block_hash, []) for key in transactions}
    for log in logs:
        if log.block_hash != block_hash or log.transaction_hash not in receipts:
            raise ValueError("the node sent logs of another block")
        receipts[log.transaction_hash].logs.append(log)
    return list(receipts.values())


def outcome(raw: RawReceipt, tx_type: int, offered: int | None) -> Outcome:
    """Read how a transaction of this type ended; `offered` is its own gas price, for receipts that tell none.

    The fee is the used gas times its price; with it goes, for a blob transaction, the gas of its blobs times their
    price, and on an OP-stack rollup what its data cost on the chain below (`l1Fee`).

    Raises:
        ValueError: a quantity or the status is impossible.
    """
    if raw.status not in _SUCCESS:
        raise ValueError(f"its receipt's status is {raw.status}")
    success = _SUCCESS[raw.status]
    if raw.gas_used is None:
        return success, None, offered, None
    gas_used = _quantity(raw.gas_used, _BIGINT_END)
    price = offered if raw.effective_gas_price is None else _quantity(raw.effective_gas_price, _BIGINT_END)
    if price is None:
        return success, gas_used, None, None
    fee = gas_used * price
    if raw.l1_fee is not None:
        fee += _quantity(raw.l1_fee, _UINT256_END)
    if tx_type == _BLOB_TYPE and raw.blob_gas_used is not None and raw.blob_gas_price is not None:
        fee += _quantity(raw.blob_gas_used, _BIGINT_END) * _quantity(raw.blob_gas_price, _UINT256_END)
    return success, gas_used, price, Decimal(fee)


def add_transfers(logs: Iterable[RawLog], place: Place, to: bytes | None, rows: list[TokenTransfer]) -> str | None:
    """Append the token transfers that a transaction's logs tell of, and return what they make of the call to `to`.

    That is an NFT's or a token's transfer if the called contract itself tells of one, a contract call if only others
    do, and None if nobody does.

    Raises:
        ValueError: the address or the position of a transfer's log is impossible.
    """
    kind: str | None = None
    for log in logs:
        topics = log.topics
        if not topics or (read := _EVENTS.get(topics[0])) is None:
            continue
        try:
            standard, sender, receiver, moved = read(topics, log.data)
        except ValueError:
            continue
        log_index = int(log.log_index, 16)
        if len(log.address) != _ADDRESS_CHARS or not 0 <= log_index < _INT_END:
            raise ValueError("the address or the logIndex of a log is impossible")
        token = unhexlify(log.address[2:])
        for token_id, amount in moved:
            rows.append(_row((*place, log_index, token, standard, sender, receiver, token_id, amount)))
            if token != to:
                kind = kind or _CALL
            elif kind != _NFT:
                kind = _TOKEN if standard == "erc20" else _NFT
    return kind


_Moved: TypeAlias = tuple[Literal["erc20", "erc721", "erc1155"], bytes, bytes, Iterable[tuple[Decimal | None, Decimal]]]
"""Standard, sender, receiver, and pairs of a token's id and its amount."""


def _transfer(topics: Sequence[str], data: str) -> _Moved:
    if len(topics) == 3:
        _, sender, receiver = topics
        return "erc20", *_parties(sender, receiver), ((None, _number(data)),)
    if len(topics) == 4 and data == "0x":
        _, sender, receiver, token_id = topics
        return "erc721", *_parties(sender, receiver), ((_number(token_id), _ONE),)
    raise ValueError


def _transfer_single(topics: Sequence[str], data: str) -> _Moved:
    _, _, sender, receiver = topics
    token_id, amount = _numbers(data[2:])
    return "erc1155", *_parties(sender, receiver), ((token_id, amount),)


def _transfer_batch(topics: Sequence[str], data: str) -> _Moved:
    _, _, sender, receiver = topics
    pairs = zip(_list(data[2:], 0), _list(data[2:], 1), strict=True)
    return "erc1155", *_parties(sender, receiver), list(pairs)


_EVENTS: dict[str, Callable[[Sequence[str], str], _Moved]] = {
    TRANSFER: _transfer,
    TRANSFER_SINGLE: _transfer_single,
    TRANSFER_BATCH: _transfer_batch,
}
"""How to read each event's topics and data; raises ValueError where they are not the standard's."""


def _parties(sender: str, receiver: str) -> tuple[bytes, bytes]:
    if not len(sender) == len(receiver) == _WORD_CHARS or not sender[:26] == receiver[:26] == _ADDRESS_PADDING:
        raise ValueError
    return unhexlify(sender[26:]), unhexlify(receiver[26:])


def _number(word: str) -> Decimal:
    if len(word) != _WORD_CHARS:
        raise ValueError
    return Decimal(int(word, 16))


def _numbers(digits: str) -> list[Decimal]:
    if len(digits) % _WORD_DIGITS:
        raise ValueError
    return [Decimal(int(digits[at : at + _WORD_DIGITS], 16)) for at in range(0, len(digits), _WORD_DIGITS)]


def _list(digits: str, at: int) -> list[Decimal]:
    """Read the list whose offset in bytes is word `at`, as contracts encode one: its length, then its items."""
    start = 2 * int(digits[at * _WORD_DIGITS : (at + 1) * _WORD_DIGITS], 16)
    first = start + _WORD_DIGITS
    end = first + int(digits[start:first], 16) * _WORD_DIGITS
    if end > len(digits):
        raise ValueError
    return _numbers(digits[first:end])


def _quantity(text: str, end: int) -> int:
    if text[:2] != "0x" or not text.isalnum():  # `int` lets signs, blanks and underscores pass
        raise ValueError(f"its receipt has {text!r} where 0x and hex digits belong")
    value = int(text, 16)
    if value >= end:
        raise ValueError(f"its receipt has a quantity out of range: {text}")
    return value
