"""Blocks of a Bitcoin-like demo chain: drawn from the measured shape, and written as Bitcoin Core sends them.

What a block's JSON repeats (`hex`, `asm`, `desc`) and what changes as the chain grows (`confirmations`,
`nextblockhash`) is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from txhub.chain.demo import shape
from txhub.chain.demo.bitcoin_address import Party, key_party, key_party_at, old_key_party, script_party, taproot_party
from txhub.chain.demo.chance import Chance
from txhub.chain.demo.population import Population
from txhub.chain.demo.schedule import Schedule
from txhub.chain.demo.traffic import Traffic
from txhub.chain.demo.truth import Transfer, Truth
from txhub.model import Chain

COIN = 10**8
REWARD = 3_125 * COIN // 1000
_HASH_ZEROS = 10
"""Zero bytes that a block's hash begins with: the proof of work."""
_RETURNED_CHANGE = 0.6
"""Share of payments whose change goes back to the address that it came from (the others use a new one)."""
_MEDIAN_BLOCKS = 11
# Sizes in bytes: of a transaction's frame, an input, an output; and of what witnesses add.
_FRAME, _INPUT, _OUTPUT, _WITNESS_FRAME, _WITNESS = 10, 41, 32, 2, 108
_HEADER, _COINBASE, _COINBASE_WITNESS = 83, 130, 36
_COINBASE_TEXT = b"/txhub demo/".hex()


class Coin(NamedTuple):
    """An amount in satoshi, and the party it belongs to."""

    party: Party
    value: int


class Drawn(NamedTuple):
    """A transaction before it is written."""

    inputs: list[Coin]
    outputs: list[Coin]
    base_size: int
    witness_size: int

    @property
    def weight(self) -> int:
        """Bytes, where those outside of witnesses count four times."""
        return 4 * self.base_size + self.witness_size

    @property
    def vsize(self) -> int:
        """What fees are paid for: a quarter of the weight, rounded up."""
        return -(-self.weight // 4)

    @property
    def fee(self) -> int:
        """What the inputs hold more than the outputs, in satoshi."""
        return sum(coin.value for coin in self.inputs) - sum(coin.value for coin in self.outputs)


class BitcoinBlocks:
    """The blocks of one chain, each a pure function of its number."""

    def __init__(
        self,
        chain: Chain,
        chance: Chance,
        schedule: Schedule,
        population: Population,
        truth: Truth,
        traffic: Traffic,
    ) -> None:
        self._chance = chance
        self._schedule = schedule
        self._truth = truth
        self._traffic = traffic
        self._pool = key_party_at(population.miner)
        # Less than a large transfer in all outputs together: whatever is large was planted.
        self._most = int(chain.large_value * COIN) - 1
        people = [key_party_at(address) for address in population.accounts]
        self._senders = shape.popularity_urn(people, shape.SENDERS, None)
        self._receivers = shape.popularity_urn(people, shape.RECEIVERS, None)
        self._inputs = [round(count) for count in shape.urn(shape.INPUTS)]
        self._outputs = [round(count) for count in shape.urn(shape.OUTPUTS)]
        self._values = [int(10**log10 * COIN) for log10 in shape.urn(shape.LOG10_BITCOINS)]
        self._fee_rates = shape.urn(shape.SATOSHI_A_BYTE)

    def hash(self, number: int) -> str:
        """Return the hash of a block."""
        return self._chance.block_hash(number, _HASH_ZEROS)

    def number_in(self, block_hash: str) -> int | None:
        """Return the number of the block with this hash, or None if none of this chain's can have it."""
        return self._chance.number_in(block_hash, _HASH_ZEROS)

    def draw(self, number: int) -> list[Drawn]:
        """Draw a block's transactions but for the coinbase, the planted ones last."""
        stream = self._chance.stream("block", number)
        natural = self._natural(self._traffic.count(number), stream)
        return [*natural, *(_planted(transfer) for transfer in self._truth.transfers(number))]

    def _natural(self, count: int, stream: Random) -> Iterator[Drawn]:
        draws = zip(
            stream.choices(self._senders, k=count),
            stream.choices(self._inputs, k=count),
            stream.choices(self._outputs, k=count),
            stream.choices(self._fee_rates, k=count),
            strict=True,
        )
        for known, input_count, output_count, fee_rate in draws:
            sender = known or _stranger(stream)
            outputs: list[Coin] = []
            left = self._most
            for n in range(output_count):
                if n and stream.random() < shape.DATA_OUTPUTS:
                    outputs.append(Coin(_data(stream), 0))
                    continue
                value = stream.choice(self._values)
                value = min(value - value * stream.getrandbits(16) // 6_600_000, left)
                left -= value
                if n and n == output_count - 1 and stream.random() < _RETURNED_CHANGE:
                    outputs.append(Coin(sender, value))
                else:
                    outputs.append(Coin(stream.choice(self._receivers) or _stranger(stream), value))
            owners = [sender] + [sender if stream.getrandbits(1) else _stranger(stream) for _ in range(input_count - 1)]
            yield _fund(owners, outputs, fee_rate, stream)

    def block_json(self, number: int) -> bytes:
        """Write the result of `getblock(hash, 3)`."""
        drawn = self.draw(number)
        noise = self._chance.stream("txid", number).randbytes(64 * (len(drawn) + 1)).hex()
        written = [self._write_coinbase(number, sum(transaction.fee for transaction in drawn), noise[:128])]
        written += [
            _write_transaction(transaction, noise[128 * index : 128 * (index + 1)], number)
            for index, transaction in enumerate(drawn, 1)
        ]
        stripped = _HEADER + _COINBASE + sum(transaction.base_size for transaction in drawn)
        size = stripped + _COINBASE_WITNESS + sum(transaction.witness_size for transaction in drawn)
        sizes = f'"strippedsize":{stripped},"size":{size},"weight":{3 * stripped + size}'
        return f'{{{self._header(number)},{sizes},"tx":[{",".join(written)}]}}'.encode()

    def header_json(self, number: int) -> bytes:
        """Write the result of `getblockheader(hash)`."""
        return f"{{{self._header(number)}}}".encode()

    def _header(self, number: int) -> str:
        stream = self._chance.stream("header", number)
        times = sorted(self._schedule.time(past) for past in range(max(0, number - _MEDIAN_BLOCKS + 1), number + 1))
        previous = f',"previousblockhash":"{self.hash(number - 1)}"' if number else ""
        count = self._traffic.count(number) + len(self._truth.transfers(number)) + 1
        return (
            f'"hash":"{self.hash(number)}","height":{number},"version":536870912,"versionHex":"20000000",'
            f'"merkleroot":"{stream.randbytes(32).hex()}","time":{self._schedule.time(number)},'
            f'"mediantime":{times[len(times) // 2]},"nonce":{stream.getrandbits(32)},"bits":"1702f128",'
            f'"difficulty":95672703408223.94,"chainwork":"{(number + 1) * 0x5702F128:064x}","nTx":{count}{previous}'
        )

    def _write_coinbase(self, number: int, fees: int, noise: str) -> str:
        reward = Coin(self._pool, REWARD + fees)
        commitment = Coin(_data_party(noise[64:128]), 0)
        height = number.to_bytes(4, "little").hex()
        return (
            f'{{"txid":"{noise[:64]}","hash":"{noise[64:]}","version":2,"size":{_COINBASE + _COINBASE_WITNESS},'
            f'"vsize":{_COINBASE + _COINBASE_WITNESS // 4},"weight":{4 * _COINBASE + _COINBASE_WITNESS},"locktime":0,'
            f'"vin":[{{"coinbase":"04{height}{_COINBASE_TEXT}","txinwitness":["{"00" * 32}"],"sequence":4294967295}}],'
            f'"vout":[{_write_output(0, reward)},{_write_output(1, commitment)}]}}'
        )


def _stranger(stream: Random) -> Party:
    """Make an address never seen before; kinds in about the proportions of recent years."""
    die = stream.random()
    if die < 0.45:
        return key_party(stream.randbytes(20))
    if die < 0.75:
        return taproot_party(stream.randbytes(32))
    if die < 0.88:
        return script_party(stream.randbytes(20))
    return old_key_party(stream.randbytes(20))


def _data(stream: Random) -> Party:
    return _data_party(stream.randbytes(20).hex())


def _data_party(data: str) -> Party:
    return Party("", f'{{"hex":"6a{len(data) // 2:02x}{data}","type":"nulldata"}}')


def _fund(owners: list[Party], outputs: list[Coin], fee_rate: float, stream: Random) -> Drawn:
    """Add the inputs that pay for outputs and a fee, cut at random between their owners."""
    base = _FRAME + _INPUT * len(owners) + _OUTPUT * len(outputs)
    witness = _WITNESS_FRAME + _WITNESS * len(owners)
    total = sum(coin.value for coin in outputs) + int(fee_rate * (base + witness / 4))
    cuts = [0, *sorted(stream.randrange(total) for _ in owners[1:]), total]
    inputs = [Coin(owner, cuts[n + 1] - cuts[n]) for n, owner in enumerate(owners)]
    return Drawn(inputs, outputs, base, witness)


def _planted(transfer: Transfer) -> Drawn:
    sender, receiver = key_party_at(transfer.sender), key_party_at(transfer.receiver)
    outputs = [Coin(receiver, transfer.value), Coin(sender, transfer.value // 7)]
    base, witness = _FRAME + _INPUT + 2 * _OUTPUT, _WITNESS_FRAME + _WITNESS
    fee = 20 * (base + witness // 4)
    return Drawn([Coin(sender, sum(coin.value for coin in outputs) + fee)], outputs, base, witness)


def _coins(value: int) -> str:
    return f"{value // COIN}.{value % COIN:08d}"


def _write_output(n: int, coin: Coin) -> str:
    return f'{{"value":{_coins(coin.value)},"n":{n},"scriptPubKey":{coin.party.script}}}'


def _write_transaction(drawn: Drawn, noise: str, number: int) -> str:
    spent = ",".join(
        # Which older transaction an input spends is not kept: nothing that reads blocks can tell.
        f'{{"txid":"{noise[64 + n : 128]}{noise[:n]}","vout":{n},"scriptSig":{{"hex":""}},'
        f'"txinwitness":["{noise}{noise[:16]}","02{noise[64:]}"],"prevout":{{"generated":false,'
        f'"height":{max(0, number - 1 - int(noise[n : n + 3], 16))},"value":{_coins(coin.value)},'
        f'"scriptPubKey":{coin.party.script}}},"sequence":4294967293}}'
        for n, coin in enumerate(drawn.inputs)
    )
    paid = ",".join(_write_output(n, coin) for n, coin in enumerate(drawn.outputs))
    return (
        f'{{"txid":"{noise[:64]}","hash":"{noise[64:]}","version":2,"size":{drawn.base_size + drawn.witness_size},'
        f'"vsize":{drawn.vsize},"weight":{drawn.weight},"locktime":0,"vin":[{spent}],"vout":[{paid}],'
        f'"fee":{_coins(drawn.fee)}}}'
    )
