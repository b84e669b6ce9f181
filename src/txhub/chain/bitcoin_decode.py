"""From Bitcoin Core's JSON to rows: pure functions that refuse what cannot be.

Bitcoin has no sender, receiver and value: a transaction spends outputs of older ones and makes new ones. `utxo_io`
holds each of them as it is, where the node tells of it. These are the rules by which a transaction also becomes one
row of `transactions`, all of them:

- Change is an output to a script that one of the inputs spent from. Change to a new address cannot be told from
  a payment, and counts as one.
- `value` is the sum of the outputs that are not change; 0 where all are, since nothing went to anybody else. A
  coinbase has no inputs, so its value is its whole output. Where the node knows no previous outputs, nothing is
  known to be change.
- `from_address` is the address that the largest sum was spent from, `to_address` the one that the largest sum was
  paid to, change left out unless there is nothing else. None where that side has no address (a coinbase's
  inputs, outputs that hold data, bare public keys).
- `fee` is what the inputs hold more than the outputs; 0 for a coinbase, which pays none; None where neither
  the previous outputs nor the node's own `fee` tell.
- `input_size` is the virtual size in bytes (BIP 141), the one that fees are paid for.
- `tx_type` is 0, `success` is true (what fails is never in a block), gas and nonce do not exist.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal, TypeAlias

import msgspec

from txhub.chain.decode import refused
from txhub.contract import Kind
from txhub.model import Block, Chain, CoinMove, Head, Transaction

_SATOSHI_DIGITS = 8
_ALL_COINS = 21_000_000
"""More can never exist."""
_HASH_CHARS = 64
_GENESIS_PARENT = bytes(32)
_TIME_END = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp())
_INT_END = 1 << 31

Place: TypeAlias = tuple[int, int, datetime, int]
"""Of a transaction: chain id, block number, block time, position in the block."""


class RawScript(msgspec.Struct, gc=False):
    """The condition that an output can be spent under; the address is another way to write some of them."""

    hex: str
    address: str | None = None


class RawOutput(msgspec.Struct, rename="camel", gc=False):
    """An amount in coins, read as the exact decimal that is written, and its script."""

    value: Decimal
    script_pub_key: RawScript


class RawInput(msgspec.Struct, gc=False):
    """What is spent. A coinbase has no previous output, and says so."""

    coinbase: str | None = None
    prevout: RawOutput | None = None


class RawTransaction(msgspec.Struct, gc=False):
    """A transaction as `getblock` gives it with verbosity 3."""

    txid: str
    vsize: int
    vin: list[RawInput]
    vout: list[RawOutput]
    fee: Decimal | None = None


class RawHeader(msgspec.Struct, gc=False):
    """A block's header as `getblockheader` gives it."""

    hash: str
    height: int
    time: int
    mediantime: int | None = None
    previousblockhash: str | None = None


class RawBlock(RawHeader, gc=False, kw_only=True):
    """A block as `getblock` gives it with verbosity 3."""

    tx: list[RawTransaction]
    size: int | None = None


def decode_head(chain: Chain, raw: RawHeader) -> Head:
    """Turn a header into a `Head`.

    Raises:
        BadBlock: something in it is impossible; says what.
    """
    try:
        return Head(
            _below(raw.height, _INT_END, "height"),
            _hash(raw.hash, "hash"),
            _hash(raw.previousblockhash or "", "previousblockhash") if raw.height else _GENESIS_PARENT,
            datetime.fromtimestamp(_below(raw.time, _TIME_END, "time"), UTC),
        )
    except ValueError as fault:
        raise refused(chain, raw.height, str(fault)) from None


def decode_block(chain: Chain, raw: RawBlock, number: int) -> Block:
    """Turn the answer to a question for block `number` into the block and its rows.

    Raises:
        BadBlock: something in it is impossible or does not add up; says what.
    """
    head = decode_head(chain, raw)
    if head.number != number:
        raise refused(chain, number, f"the node sent block {head.number} instead")
    rows: list[Transaction] = []
    moves: list[CoinMove] = []
    try:
        for transaction in raw.tx:
            place = (chain.chain_id, number, head.time, len(rows))
            inputs = [
                _move(place, "in", n, source.prevout)
                for n, source in enumerate(transaction.vin)
                if source.prevout is not None
            ]
            outputs = [_move(place, "out", n, output) for n, output in enumerate(transaction.vout)]
            rows.append(_transaction(place, transaction, inputs, outputs))
            moves += inputs
            moves += outputs
    except ValueError as fault:
        raise refused(chain, number, f"transaction {len(rows)}: {fault}") from None
    if not rows:
        raise refused(chain, number, "it has no transactions, not even a coinbase")
    return Block(
        chain_id=chain.chain_id,
        number=number,
        hash=head.hash,
        parent_hash=head.parent_hash,
        time=head.time,
        transactions=rows,
        size=raw.size,
        utxo_io=moves,
    )


def _move(place: Place, side: Literal["in", "out"], n: int, output: RawOutput) -> CoinMove:
    script = output.script_pub_key
    address = None if script.address is None else script.address.encode("ascii")
    return CoinMove(*place, side, n, address, bytes.fromhex(script.hex), _satoshi(output.value))


def _transaction(place: Place, raw: RawTransaction, known: list[CoinMove], outputs: list[CoinMove]) -> Transaction:
    """Turn a transaction into its row; `known` are the inputs of which the node says what they spend."""
    coinbase = any(source.coinbase is not None for source in raw.vin)
    if coinbase != (place[-1] == 0):
        raise ValueError("a coinbase is the first transaction of its block, and only the first")
    if not raw.vin or not raw.vout:
        raise ValueError("it has no inputs or no outputs")
    inputs = known if len(known) == len(raw.vin) else None
    scripts = {move.script for move in inputs or ()}
    payments = [move for move in outputs if move.script not in scripts]
    return Transaction(
        *place,
        hash=_hash(raw.txid, "txid"),
        from_address=_principal(inputs or ()),
        to_address=_principal(payments or outputs),
        value=_total(payments),
        fee=Decimal(0) if coinbase else _fee(raw, inputs, outputs),
        gas_used=None,
        gas_price=None,
        tx_type=0,
        kind=(Kind.COINBASE if coinbase else Kind.TRANSFER).value,
        method_id=None,
        input_size=_below(raw.vsize, _INT_END, "vsize"),
        nonce=None,
        success=True,
    )


def _fee(raw: RawTransaction, inputs: list[CoinMove] | None, outputs: list[CoinMove]) -> Decimal | None:
    if inputs is None:
        return None if raw.fee is None else _satoshi(raw.fee)
    fee = _total(inputs) - _total(outputs)
    if fee < 0:
        raise ValueError("it pays out more than it spends")
    return fee


def _total(moves: Iterable[CoinMove]) -> Decimal:
    return sum((move.amount for move in moves), Decimal(0))


def _principal(moves: Iterable[CoinMove]) -> bytes | None:
    """Return the address with the largest sum, the first of equals; what has no address does not count."""
    sums: dict[bytes, Decimal] = defaultdict(Decimal)
    for move in moves:
        if move.address is not None:
            sums[move.address] += move.amount
    return max(sums, key=sums.__getitem__) if sums else None


def _satoshi(coins: Decimal) -> Decimal:
    if coins.is_finite() and 0 <= coins <= _ALL_COINS:
        scaled = coins.scaleb(_SATOSHI_DIGITS)
        if scaled == (amount := int(scaled)):
            return Decimal(amount)
    raise ValueError(f"{coins} coins cannot be")


def _below(value: int, end: int, name: str) -> int:
    if not 0 <= value < end:
        raise ValueError(f"its {name} is out of range")
    return value


def _hash(text: str, name: str) -> bytes:
    if len(text) != _HASH_CHARS:
        raise ValueError(f"{name} is not 32 bytes of hex")
    return bytes.fromhex(text)
