"""Addresses and amounts as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txhub.contract import ChainInfo, Kind
from txhub.errors import UsageError
from txhub.query import address, amount
from txhub.query.choice import chains_of, one_of


def chain(name: str, family: str) -> ChainInfo:
    return ChainInfo(1, name, family, "ETH", 18, 12.0, 64, "100", demo=False, blocks=0)


ETHEREUM, BITCOIN = chain("ethereum", "evm"), chain("bitcoin", "utxo")
USDT = "0xdAC17F958D2ee523a2206206994597C13D831ec7"


def test_an_address_is_stored_as_its_chains_write_it() -> None:
    segwit = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
    assert address.stored("from", [USDT], [ETHEREUM]) == [bytes.fromhex(USDT[2:])]
    assert address.stored("from", [USDT, segwit, USDT.lower()], [ETHEREUM, BITCOIN]) == [
        bytes.fromhex(USDT[2:]),
        segwit.encode(),
        bytes.fromhex(USDT[2:]),
    ]


@pytest.mark.parametrize("text", [USDT[:-1], USDT[2:], "0x" + "g" * 40, "", "'; DROP TABLE txhub.chains; --", "é" * 30])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"address is .* not an address"):
        address.stored("address", [text], [ETHEREUM])


def test_an_address_of_another_family_is_refused() -> None:
    with pytest.raises(UsageError, match="to is") as refused:
        address.stored("to", [USDT], [BITCOIN])
    assert "Bitcoin" in (refused.value.hint or "")


@given(st.decimals(0, Decimal(10) ** 30, allow_nan=False, places=20), st.integers(0, 18))
def test_base_units_bound_an_amount_exactly(coins: Decimal, decimals: int) -> None:
    text = format(coins, "f")
    low, high = amount.at_least("min_value", text, decimals), amount.at_most("max_value", text, decimals)
    exact = int(coins.as_integer_ratio()[0]) * 10**decimals, coins.as_integer_ratio()[1]
    assert (low - 1) * exact[1] < exact[0] <= low * exact[1]
    assert high * exact[1] <= exact[0] < (high + 1) * exact[1]


@pytest.mark.parametrize("text", ["-1", "1e5", "NaN", "Infinity", "1,5", "", "1" * 41, "٣"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="min_value is"):
        amount.at_least("min_value", text, 18)


def test_a_choice_that_there_is_not_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="kind is 'bribe'") as refused:
        one_of("kind", "bribe", Kind)
    assert all(kind in (refused.value.hint or "") for kind in Kind)
    with pytest.raises(UsageError, match="chain is 'dogecoin'") as refused:
        chains_of([ETHEREUM, BITCOIN], ["ethereum", "dogecoin"])
    assert "bitcoin" in (refused.value.hint or "")
