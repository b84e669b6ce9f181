"""Where public block explorers show things. Their paths are alike: Etherscan's kin and Mempool's answer to these."""

from __future__ import annotations

from txhub.contract import ChainInfo


def transaction_link(chain: ChainInfo, hash_text: str) -> str | None:
    """Where a transaction is shown; None where the chain has no explorer."""
    return transaction_at(chain.explorer, hash_text)


def transaction_at(explorer: str | None, hash_text: str) -> str | None:
    """The same by the explorer's address."""
    return explorer and f"{explorer}/tx/{hash_text}"


def block_link(chain: ChainInfo, number: int, hash_text: str) -> str | None:
    """Where a block is shown: by number on EVM chains, by hash on Bitcoin's."""
    return chain.explorer and f"{chain.explorer}/block/{number if chain.family == 'evm' else hash_text}"


def address_link(chain: ChainInfo, address: str) -> str | None:
    """Where an address is shown."""
    return chain.explorer and f"{chain.explorer}/address/{address}"
