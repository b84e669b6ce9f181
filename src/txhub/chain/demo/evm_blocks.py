"""Blocks of an Ethereum-like demo chain: drawn from the measured shape, and written as a node sends them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from txhub.chain.demo import shape
from txhub.chain.demo.chance import Chance
from txhub.chain.demo.population import Population
from txhub.chain.demo.schedule import Schedule
from txhub.chain.demo.traffic import Traffic
from txhub.chain.demo.truth import Transfer, Truth
from txhub.model import Chain

GWEI = 10**9
TRANSFER_GAS = 21_000
BLOB_GAS = 131_072
BLOCK_GAS_LIMIT = 60_000_000
_RANDOM_BYTES = 136
"""Random bytes a transaction: hash, r and s of 32 each, and twice 20 for addresses that nobody has seen before."""
_NONCES = 512
"""More than a block can hold, so that a sender's nonces rise from block to block."""
_TOKEN_CALLS = frozenset((shape.ERC20_TRANSFER, shape.ERC20_APPROVE, shape.ERC20_TRANSFER_FROM))
_TRANSFER_EVENT = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_NO_BLOOM = "0x" + "00" * 256
# A bloom filter may say "perhaps" too often but never "no" wrongly: all ones is right for any logs.
_ANY_BLOOM = "0x" + "ff" * 256
_EMPTY_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
_EMPTY_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
_EXTRA_DATA = "0x" + b"txhub demo".hex()


class Drawn(NamedTuple):
    """A transaction before it is written: integers in base units and gas, bytes as hex text."""

    hash: str
    signature: str
    """r and s, 128 hex digits."""
    type: int
    action: str
    sender: str
    receiver: str | None
    value: int
    input: str
    nonce: int
    tip: int
    gas_limit: int
    gas_used: int
    failed: bool


class EvmBlocks:
    """The blocks of one chain, each a pure function of its number.

    `log10_value_shift` is added to the logarithm of measured values, `fee_scale` multiplies measured fees.
    """

    def __init__(
        self,
        chain: Chain,
        chance: Chance,
        schedule: Schedule,
        population: Population,
        truth: Truth,
        traffic: Traffic,
        log10_value_shift: float,
        fee_scale: float,
    ) -> None:
        self._chain = chain
        self._chance = chance
        self._schedule = schedule
        self._truth = truth
        self._traffic = traffic
        self._actions = shape.share_urn(shape.ACTIONS)
        self._types = shape.share_urn(shape.TYPES)
        unit = 10 ** (chain.decimals + log10_value_shift)
        self._values = [int(10**log10 * unit) for log10 in shape.urn(shape.LOG10_COINS)]
        self._tips = [int(gwei * GWEI * fee_scale) for gwei in shape.urn(shape.TIP_GWEI)]
        self._base_fee = shape.BASE_FEE_GWEI * GWEI * fee_scale
        self._gas_limits = [int(gas) for gas in shape.urn(shape.CALL_GAS_LIMIT)]
        self._input_words = [round((size - 4) / 32) for size in shape.urn(shape.OTHER_INPUT_BYTES)]
        self._senders = shape.popularity_urn(population.accounts, shape.SENDERS, "")
        self._receivers = shape.popularity_urn(population.accounts, shape.RECEIVERS, "")
        self._tokens = shape.popularity_urn(population.tokens, shape.TOKENS, "")
        self._contracts = shape.popularity_urn(population.contracts, shape.CONTRACTS, "")
        self._failing_calls = shape.FAILED / shape.CALLS

    def hash(self, number: int) -> str:
        """Return the hash of a block; before the first one, 32 zero bytes."""
        return "0x" + (self._chance.block_hash(number) if number >= 0 else "00" * 32)

    def number_in(self, block_hash: str) -> int | None:
        """Return the number of the block with this hash, or None if none of this chain's can have it."""
        return self._chance.number_in(block_hash.removeprefix("0x"))

    def base_fee(self, number: int) -> int:
        """Return a block's base fee in wei: blockspace costs more when the chain is busy."""
        return int(self._base_fee * self._traffic.activity(self._schedule.time(number)))

    def draw(self, number: int) -> list[Drawn]:
        """Draw a block's transactions, the planted ones last."""
        stream = self._chance.stream("block", number)
        planted = self._truth.transfers(number)
        count = self._traffic.count(number)
        noise = stream.randbytes(_RANDOM_BYTES * (count + len(planted))).hex()
        return [*self._natural(number, count, stream, noise), *self._planted(number, planted, noise, count)]

    def _natural(self, number: int, count: int, stream: Random, noise: str) -> Iterator[Drawn]:
        failing = self._truth.failing(self._schedule.time(number)) or self._failing_calls
        least_used, most_used = shape.CALL_GAS_USED
        random = stream.random
        draws = zip(
            stream.choices(self._actions, k=count),
            stream.choices(self._types, k=count),
            stream.choices(self._senders, k=count),
            stream.choices(self._values, k=count),
            stream.choices(self._tips, k=count),
            strict=True,
        )
        for index, (action, tx_type, sender, value, tip) in enumerate(draws):
            at = index * 2 * _RANDOM_BYTES
            spare = noise[at + 192 : at + 272]
            receiver: str | None
            data = ""
            gas_limit = gas_used = TRANSFER_GAS
            failed = False
            if action == shape.PLAIN:
                receiver = stream.choice(self._receivers) or "0x" + spare[40:]
                moves = random() >= shape.ZERO_VALUE[action]
            else:
                gas_limit = stream.choice(self._gas_limits)
                gas_used = int(gas_limit * (least_used + (most_used - least_used) * random()))
                failed = action != shape.CREATION and random() < failing
                moves = action in shape.ZERO_VALUE and random() >= shape.ZERO_VALUE[action]
                if action in _TOKEN_CALLS:
                    receiver = stream.choice(self._tokens) or "0x" + spare[40:]
                    data = _token_input(action, sender or "0x" + spare[:40], spare[40:], value)
                elif action == shape.CREATION:
                    receiver = None
                    data = "60806040" + stream.randbytes(480).hex()
                    tx_type = min(tx_type, 2)
                else:
                    receiver = stream.choice(self._contracts) or "0x" + spare[40:]
                    arguments = stream.randbytes(32 * stream.choice(self._input_words)).hex()
                    # A contract's other methods: its own address decides what they are.
                    data = (action if action == shape.SWAP else receiver[2:10]) + arguments
            yield Drawn(
                noise[at : at + 64],
                noise[at + 64 : at + 192],
                tx_type,
                action,
                sender or "0x" + spare[:40],
                receiver,
                # Within a slot of the urn the digits scatter, by less than one percent.
                value - value * int(spare[:4], 16) // 6_600_000 if moves else 0,
                data,
                # Accounts that are often seen count upwards for ever; new ones have just begun.
                number * _NONCES + index if sender else int(spare[4:5], 16),
                tip,
                gas_limit,
                gas_used,
                failed,
            )

    def _planted(self, number: int, transfers: list[Transfer], noise: str, first: int) -> Iterator[Drawn]:
        for index, transfer in enumerate(transfers, first):
            at = index * 2 * _RANDOM_BYTES
            yield Drawn(
                noise[at : at + 64],
                noise[at + 64 : at + 192],
                2,
                shape.PLAIN,
                transfer.sender,
                transfer.receiver,
                transfer.value,
                "",
                number * _NONCES + index,
                self._tips[len(self._tips) // 2],
                TRANSFER_GAS,
                TRANSFER_GAS,
                False,
            )

    def block_json(self, number: int) -> bytes:
        """Write the result of `eth_getBlockByNumber(number, true)`."""
        drawn = self.draw(number)
        base_fee = self.base_fee(number)
        head = f'{{"blockHash":"{self.hash(number)}","blockNumber":"{number:#x}","transactionIndex":"'
        chain_id = self._chain.chain_id
        written = ",".join(
            f'{head}{index:#x}",{_write_transaction(transaction, base_fee, chain_id)}'
            for index, transaction in enumerate(drawn)
        )
        return f'{{{self._header(number, drawn, base_fee)},"transactions":[{written}]}}'.encode()

    def header_json(self, number: int) -> bytes:
        """Write the block without its transactions, as `newHeads` announces it."""
        return f"{{{self._header(number, self.draw(number), self.base_fee(number))}}}".encode()

    def receipts_json(self, number: int) -> bytes:
        """Write the result of `eth_getBlockReceipts`: a log for each token transfer that succeeded, no others."""
        base_fee = self.base_fee(number)
        block = f'"blockHash":"{self.hash(number)}","blockNumber":"{number:#x}"'
        receipts, cumulative, log_index = [], 0, 0
        for index, drawn in enumerate(self.draw(number)):
            cumulative += drawn.gas_used
            logs = ""
            if drawn.action in (shape.ERC20_TRANSFER, shape.ERC20_TRANSFER_FROM) and not drawn.failed:
                logs = _write_log(drawn, f'{block},"transactionIndex":"{index:#x}","logIndex":"{log_index:#x}"')
                log_index += 1
            contract = f'"0x{drawn.hash[:40]}"' if drawn.receiver is None else "null"
            receipts.append(
                f'{{{block},"transactionIndex":"{index:#x}","transactionHash":"0x{drawn.hash}","type":"{drawn.type:#x}",'
                f'"from":"{drawn.sender}","to":{_text_or_null(drawn.receiver)},"contractAddress":{contract},'
                f'"cumulativeGasUsed":"{cumulative:#x}","gasUsed":"{drawn.gas_used:#x}",'
                f'"effectiveGasPrice":"{base_fee + drawn.tip:#x}","status":"{"0x0" if drawn.failed else "0x1"}",'
                f'"logs":[{logs}],"logsBloom":"{_ANY_BLOOM if logs else _NO_BLOOM}"}}'
            )
        return f"[{','.join(receipts)}]".encode()

    def _header(self, number: int, drawn: list[Drawn], base_fee: int) -> str:
        noise = self._chance.stream("header", number).randbytes(180).hex()
        gas_used = sum(transaction.gas_used for transaction in drawn)
        size = 620 + sum(118 + len(transaction.input) // 2 for transaction in drawn)
        blobs = sum(transaction.type == 3 for transaction in drawn)
        return (
            f'"number":"{number:#x}","hash":"{self.hash(number)}","parentHash":"{self.hash(number - 1)}",'
            f'"timestamp":"{self._schedule.time(number):#x}","miner":"0x{noise[:40]}","difficulty":"0x0",'
            f'"extraData":"{_EXTRA_DATA}","gasLimit":"{BLOCK_GAS_LIMIT:#x}","gasUsed":"{gas_used:#x}",'
            f'"baseFeePerGas":"{base_fee:#x}","blobGasUsed":"{blobs * BLOB_GAS:#x}","excessBlobGas":"0x0",'
            f'"logsBloom":"{_ANY_BLOOM if drawn else _NO_BLOOM}","mixHash":"0x{noise[40:104]}",'
            f'"nonce":"0x0000000000000000","stateRoot":"0x{noise[104:168]}","transactionsRoot":"0x{noise[168:232]}",'
            f'"receiptsRoot":"0x{noise[232:296]}","parentBeaconBlockRoot":"0x{noise[296:360]}",'
            f'"sha3Uncles":"{_EMPTY_UNCLES}","uncles":[],"withdrawals":[],"withdrawalsRoot":"{_EMPTY_ROOT}",'
            f'"size":"{size:#x}"'
        )


def _token_input(action: str, owner: str, other: str, amount: int) -> str:
    parties = f"{owner[2:]:0>64}{other:0>64}" if action == shape.ERC20_TRANSFER_FROM else f"{other:0>64}"
    return f"{action}{parties}{amount:064x}"


def _text_or_null(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'


def _write_transaction(drawn: Drawn, base_fee: int, chain_id: int) -> str:
    price = base_fee + drawn.tip
    parity = drawn.nonce & 1
    # A node leaves the zeros out that a signature's numbers may begin with.
    r, s = drawn.signature[:64].lstrip("0"), drawn.signature[64:].lstrip("0")
    if drawn.type == 0:
        priced = f'"gasPrice":"{price:#x}","v":"{chain_id * 2 + 35 + parity:#x}"'
    else:
        priced = f'"gasPrice":"{price:#x}","v":"{parity:#x}","yParity":"{parity:#x}","accessList":[]'
        if drawn.type >= 2:
            priced += f',"maxPriorityFeePerGas":"{drawn.tip:#x}","maxFeePerGas":"{2 * base_fee + drawn.tip:#x}"'
        if drawn.type == 3:
            priced += f',"maxFeePerBlobGas":"0x1","blobVersionedHashes":["0x01{drawn.hash[2:]}"]'
        elif drawn.type == 4:
            priced += (
                f',"authorizationList":[{{"chainId":"{chain_id:#x}","address":"0x{drawn.hash[:40]}",'
                f'"nonce":"0x0","yParity":"0x0","r":"0x{r}","s":"0x{s}"}}]'
            )
    return (
        f'"hash":"0x{drawn.hash}","type":"{drawn.type:#x}","chainId":"{chain_id:#x}","nonce":"{drawn.nonce:#x}",'
        f'"from":"{drawn.sender}","to":{_text_or_null(drawn.receiver)},"value":"{drawn.value:#x}",'
        f'"gas":"{drawn.gas_limit:#x}","input":"0x{drawn.input}",{priced},"r":"0x{r}","s":"0x{s}"}}'
    )


def _write_log(drawn: Drawn, place: str) -> str:
    parties = drawn.input[8:]
    if drawn.action == shape.ERC20_TRANSFER:
        parties = f"{drawn.sender[2:]:0>64}{parties}"
    return (
        f'{{"address":"{drawn.receiver}","topics":["{_TRANSFER_EVENT}","0x{parties[:64]}","0x{parties[64:128]}"],'
        f'"data":"0x{parties[128:192]}",{place},"transactionHash":"0x{drawn.hash}","removed":false}}'
    )
