"""From an EVM node's JSON to rows: pure functions, one for each entity, that refuse what cannot be.

This is the hottest Python of txhub. msgspec parses only the fields named here, in one pass; a
transaction's input, most of its bytes, is skipped over and looked at in place.

The `kind` of a transaction, in full. What it did goes before what it was asked to do; the first that fits is it:

1. It has no receiver: contract creation.
2. The called contract itself logged a transfer of ERC-721 or ERC-1155 tokens: NFT transfer.
3. The called contract itself logged a transfer of ERC-20 tokens: token transfer.
4. Its input is empty: transfer. But where other contracts logged transfers it has set something off: contract call.
5. Its method is one of those in the table below: what the table says.
6. Everything else is a contract call, a swap or a sale on a market among it, whatever tokens it moves.

Where nothing was logged (the transaction failed, or the node has no receipts) 1, 4, 5 and 6 decide.
"""

from __future__ import annotations

import re
from binascii import unhexlify
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from txhub.chain.receipts import RawReceipt, add_transfers, outcome
from txhub.contract import Kind
from txhub.errors import BadBlock
from txhub.model import Block, Chain, Head, TokenTransfer, Transaction

_QUANTITY = re.compile(r"0x[0-9a-fA-F]+")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}")
_HASH_CHARS = 2 + 2 * 32
_ADDRESS_CHARS = 2 + 2 * 20
_UINT256_END = 1 << 256
_BIGINT_END = 1 << 63
_INT_END = 1 << 31
_LAST_TYPE = 0x7F
"""EIP-2718: a transaction's type is at most this."""
_TIME_END = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_ZERO = Decimal(0)

_KIND_OF_METHOD: dict[bytes | None, str] = {
    bytes.fromhex(selector): kind.value
    for kind, selectors in {
        Kind.TOKEN_TRANSFER: ("a9059cbb", "23b872dd"),  # ERC-20 transfer, transferFrom
        Kind.NFT_TRANSFER: ("42842e0e", "b88d4fde", "f242432a", "2eb2c2d6"),  # ERC-721, ERC-1155 safe…TransferFrom
    }.items()
    for selector in selectors
}
"""What a call with this method does. (ERC-721 shares `transferFrom` with ERC-20: it counts as a token.)"""

_row = Transaction._make  # a third faster than by name, and called for every transaction
_TRANSFER = Kind.TRANSFER.value
_CALL = Kind.CONTRACT_CALL.value
_CREATION = Kind.CONTRACT_CREATION.value


class RawTransaction(msgspec.Struct, rename="camel", gc=False):
    """A transaction as JSON-RPC gives it; all quantities are hex text."""

    hash: str
    block_hash: str
    block_number: str
    transaction_index: str
    nonce: str
    from_: str = msgspec.field(name="from")
    value: str
    input: msgspec.Raw
    to: str | None = None
    gas_price: str | None = None
    type: str = "0x0"


class RawHeader(msgspec.Struct, rename="camel", gc=False):
    """A block's header as JSON-RPC gives it."""

    number: str
    hash: str
    parent_hash: str
    timestamp: str


class RawBlock(RawHeader, gc=False):
    """A block with its whole transactions as JSON-RPC gives it."""

    transactions: list[RawTransaction]
    gas_used: str | None = None
    gas_limit: str | None = None
    base_fee_per_gas: str | None = None
    size: str | None = None


def decode_head(chain: Chain, raw: RawHeader) -> Head:
    """Turn a header into a `Head`.

    Raises:
        BadBlock: something in it is impossible; says what.
    """
    try:
        return _head(raw)
    except ValueError as fault:
        raise refused(chain, raw.number, str(fault)) from None


def decode_block(chain: Chain, raw: RawBlock, number: int, receipts: Sequence[RawReceipt] | None = None) -> Block:
    """Turn the answer to a question for block `number` into the block and its rows.

    `receipts` are those of all its transactions in their order, or None where the node has none: then success, fee,
    used gas and token transfers are not known.

    Raises:
        BadBlock: something in it is impossible or does not fit together; says what.
    """
    transfers: list[TokenTransfer] = []
    try:
        head = _head(raw)
        if head.number != number:
            raise ValueError(f"the node sent block {head.number} instead")  # noqa: TRY301 (one way out for all faults)
        return Block(
            chain_id=chain.chain_id,
            number=number,
            hash=head.hash,
            parent_hash=head.parent_hash,
            time=head.time,
            transactions=_transactions(chain.chain_id, head, raw, receipts, transfers),
            gas_used=_optional(raw.gas_used, "gasUsed", _BIGINT_END),
            gas_limit=_optional(raw.gas_limit, "gasLimit", _BIGINT_END),
            base_fee=_optional(raw.base_fee_per_gas, "baseFeePerGas", _BIGINT_END),
            size=_optional(raw.size, "size", _INT_END),
            token_transfers=transfers,
        )
    except ValueError as fault:
        raise refused(chain, number, str(fault)) from None


def refused(chain: Chain, number: int | str, fault: str) -> BadBlock:
    """Return the error that says which block is refused, and why."""
    return BadBlock(f"{chain.name} block {number} is refused: {fault}")


def _head(raw: RawHeader) -> Head:
    return Head(
        _quantity(raw.number, "number", _BIGINT_END),
        _hash(raw.hash, "hash"),
        _hash(raw.parent_hash, "parentHash"),
        datetime.fromtimestamp(_quantity(raw.timestamp, "timestamp", _TIME_END), UTC),
    )


def _transactions(
    chain_id: int,
    head: Head,
    raw: RawBlock,
    receipts: Sequence[RawReceipt] | None,
    transfers: list[TokenTransfer],
) -> list[Transaction]:
    """Return the rows of a block's transactions, and append those of their token transfers."""
    count = len(raw.transactions)
    if receipts is not None and len(receipts) != count:
        raise ValueError(
            f"the node sent {len(receipts)} receipts for its {count} transactions"
            if receipts
            else "the node does not have its receipts (yet)"
        )
    rows: list[Transaction] = []
    try:
        for transaction, receipt in zip(raw.transactions, receipts or (None,) * count, strict=True):
            rows.append(_transaction(chain_id, head, raw, len(rows), transaction, receipt, transfers))
    except ValueError as fault:
        raise ValueError(f"transaction {len(rows)}: {fault}") from None
    return rows


def _transaction(
    chain_id: int,
    head: Head,
    block: RawBlock,
    index: int,
    raw: RawTransaction,
    receipt: RawReceipt | None,
    transfers: list[TokenTransfer],
) -> Transaction:
    if raw.block_hash != block.hash or raw.block_number != block.number:
        raise ValueError("it belongs to another block")
    quantities = raw.transaction_index + raw.nonce + raw.value + raw.type + (raw.gas_price or "0x0")
    # `int` lets signs, blanks, underscores and a missing 0x pass; one look at all five does not.
    if not quantities.isalnum() or quantities.count("0x") != 5:
        raise ValueError("a quantity is not written as 0x and hex digits")
    if int(raw.transaction_index, 16) != index:
        raise ValueError(f"its transactionIndex is {raw.transaction_index}")
    value = _ZERO if raw.value == "0x0" else _value(raw.value)
    nonce = int(raw.nonce, 16)
    gas_price = None if raw.gas_price is None else int(raw.gas_price, 16)
    tx_type = int(raw.type, 16)
    if nonce >= _BIGINT_END or tx_type > _LAST_TYPE or (gas_price is not None and gas_price >= _BIGINT_END):
        raise ValueError("its nonce, type or gasPrice is out of range")
    if len(raw.hash) != _HASH_CHARS or len(raw.from_) != _ADDRESS_CHARS:
        raise ValueError("its hash or its sender has a wrong length")

    # The input as it stands in the JSON: quote, 0x, digits, quote.
    text = memoryview(raw.input)
    size, odd = divmod(len(text) - 4, 2)
    start = bytes(text[:11])
    if odd or start[:3] != b'"0x':
        raise ValueError("its input is not written as 0x and pairs of hex digits")
    method = unhexlify(start[3:]) if size >= 4 else None

    if raw.to is None:
        to = None
    elif len(raw.to) == _ADDRESS_CHARS:
        to = unhexlify(raw.to[2:])
    else:
        raise ValueError("its receiver has a wrong length")

    success = gas_used = fee = logged = None
    if receipt is not None:
        if receipt.transaction_hash != raw.hash or receipt.block_hash != block.hash:
            raise ValueError("its receipt belongs to another block or transaction")
        success, gas_used, gas_price, fee = outcome(receipt, tx_type, gas_price)
        if receipt.logs:
            logged = add_transfers(receipt.logs, (chain_id, head.number, head.time, index), to, transfers)

    if to is None:
        kind = _CREATION
    elif logged is not None and logged != _CALL:
        kind = logged
    elif size == 0:
        kind = logged or _TRANSFER
    else:
        kind = _KIND_OF_METHOD.get(method, _CALL)
    return _row(
        (
            chain_id,
            head.number,
            head.time,
            index,
            unhexlify(raw.hash[2:]),
            unhexlify(raw.from_[2:]),
            to,
            value,
            fee,
            gas_used,
            gas_price,
            tx_type,
            kind,
            method,
            size,
            nonce,
            success,
        )
    )


def _value(text: str) -> Decimal:
    value = int(text, 16)
    if value >= _UINT256_END:
        raise ValueError("its value is over 256 bits")
    return Decimal(value)


def _quantity(text: str, name: str, end: int) -> int:
    if not _QUANTITY.fullmatch(text):
        raise ValueError(f"{name} is not written as 0x and hex digits")
    value = int(text, 16)
    if value >= end:
        raise ValueError(f"{name} is out of range")
    return value


def _optional(text: str | None, name: str, end: int) -> int | None:
    return None if text is None else _quantity(text, name, end)


def _hash(text: str, name: str) -> bytes:
    if not _HASH.fullmatch(text):
        raise ValueError(f"{name} is not written as 0x and 64 hex digits")
    return unhexlify(text[2:])
