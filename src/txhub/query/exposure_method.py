"""How exposure is found, and what a report of it cannot say: in words, for readers of the report."""

from __future__ import annotations

from txhub.store.exposures import HOP_WINDOW, MOST_PARTIES, MOST_TRANSFERS


def _paragraphs(text: str) -> list[str]:
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]


METHOD = _paragraphs(f"""
Every committed transaction and token transfer, and every input and output of Bitcoin, is compared with the addresses on
the watchlists: hexadecimal addresses whatever their case, others exactly.

Direct exposure: a watched address sent or received in the transaction. What comes back to it as change is taken off.

Indirect exposure, by one hop: the other side dealt with an address that got value from a watched one within
{HOP_WINDOW.days} days before, or that passed value on to one within {HOP_WINDOW.days} days after. The path names that
address. One that made more than {MOST_TRANSFERS} transfers in that direction within that time is taken for a service
and is not followed; neither is a transaction with more than {MOST_PARTIES} parties.

Each exposure tells whether a list had the address at the time of the block, and whether one has it now. Once no list
has it any more, the exposure is retracted, and counted apart.

US dollars are by the last price of the day before the block. In each transaction an asset counts once.
""")
LIMITS = _paragraphs("""
What was listed when is known only as far as versions of the lists were imported here. Before the first of them nothing
counts as listed at the time.

Value that moves inside of contracts without a token transfer is not seen, nor what moves on chains that are not
followed or in blocks that are not committed. What is committed is stated above.

Exposure by two hops or more, or over a longer time, is not looked for. An intermediate's money is not traced coin by
coin: that value passed through the same address does not prove that it is the same value.

Anybody can send to anybody. A small amount from a watched address may be there to compromise whoever received it.

Whether an address belongs to a listed person is what the list says. This report is no legal advice.
""")
