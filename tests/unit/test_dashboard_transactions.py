"""What the pages of transactions and blocks say, in words and links, from what was read."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from plotly.utils import PlotlyJSONEncoder

from dashboards.filters import Filters, parse_range
from dashboards.pages import blocks, transaction_panels, transactions
from dashboards.view import View
from txhub.contract import (
    BlockDetail,
    BlockHeader,
    Coin,
    Kind,
    KindCount,
    Label,
    Source,
    Status,
    TokenTransfer,
    Transaction,
    TransactionDetail,
    TransactionPage,
)

TIME = datetime(2023, 9, 8, 7, 27, 11, tzinfo=UTC)
SENDER, RECEIVER, TOKEN = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "cc" * 20
SENT = Transaction(
    chain="ethereum", block_number=18090205, block_time=TIME, tx_index=3, hash="0x" + "12" * 32, from_address=SENDER,
    to_address=RECEIVER, kind=Kind.TRANSFER, value="244.28", value_base="244280000000000000000", value_usd="399123.40",
    fee="0.00042", symbol="ETH", gas_used=21000, gas_price=20_000_000_000, tx_type=2, method_id=None, input_size=0,
    nonce=7, success=True,
)  # fmt: skip
HEADER = BlockHeader(18090205, "0x" + "ab" * 32, "0x" + "aa" * 32, TIME, 150, 0, 15_000_000, 30_000_000, 7, 1234)
HARBOUR = Label(1, None, RECEIVER, "Harbour Exchange", "exchange", "SG", "made", "1", TIME, None)
MOVED = TokenTransfer(5, TOKEN, "USDT", 6, "erc20", SENDER, RECEIVER, None, "12.5", "12500000")
DETAIL = TransactionDetail(
    SENT, HEADER, Status.PROVISIONAL, 14, [], [MOVED], 1, [], 0, [], 0, [HARBOUR], "https://example.org/tx", Source.RAW
)


def text_of(component: object) -> str:
    return json.dumps(component, cls=PlotlyJSONEncoder)


def test_a_transaction_is_told_whole() -> None:
    said = text_of(transaction_panels.detail(DETAIL, UTC))
    for words in ("244.28 ETH", "399,123.40 USD", "14 confirmations", "provisional", "Harbour Exchange", RECEIVER):
        assert words in said
    for words in ("12.50 USDT", "/blocks/ethereum/18090205", f"/addresses/ethereum/{SENDER}", "https://example.org/tx"):
        assert words in said
    assert "archive" not in said


def test_a_transaction_of_coins_has_no_gas() -> None:
    coins = [Coin(0, "bc1qaa", "1.5", "150000000", "0014aa"), Coin(1, None, "0", "0", "6a")]
    bitcoin = replace(SENT, chain="bitcoin", symbol="BTC", gas_used=None, gas_price=None, nonce=None)
    read = replace(
        DETAIL, transaction=bitcoin, token_transfers=[], token_transfer_count=0, outputs=coins, output_count=2000,
        source=Source.ARCHIVE, status=Status.FINAL, confirmations=1,
    )  # fmt: skip
    said = text_of(transaction_panels.detail(read, UTC))
    assert "Gas" not in said
    assert "Nonce" not in said
    for words in ("bc1qaa", "no address", "the first 2 of 2,000", '1 confirmation"', "the archive"):
        assert words in said


def test_a_list_leads_to_older_ones_and_can_be_saved_whole() -> None:
    view = View(Filters(parse_range("2023-09-08"), chains=("ethereum",), senders=(SENDER,)), own={"block": "18090205"})
    page = TransactionPage([SENT], "older", [Source.RAW, Source.ARCHIVE])
    rows, nothing, pager, note = transaction_panels.listed(page, view, TIME)
    assert nothing is None
    assert rows[0]["outcome"] == "succeeded"
    assert rows[0]["hash_path"] == f"/transactions/ethereum/{SENT.hash}"
    [older] = pager
    assert "block=18090205" in older.href
    assert "cursor=older" in older.href
    assert "partly from the archive" in text_of(note)
    assert f"from={SENDER}&block=18090205&format=parquet" in text_of(note)
    assert "start=2023-09-08T00%3A00%3A00%2B00%3A00" in text_of(note)
    first, *_ = transaction_panels.listed(page, replace(view, own={"cursor": "x"}), TIME)[2]
    assert "cursor" not in first.href
    empty = transaction_panels.listed(TransactionPage([], "older", [Source.RAW]), view, TIME)[1]
    assert "goes on" in text_of(empty)


def test_a_block_is_told_whole_and_leads_to_its_neighbours() -> None:
    read = BlockDetail(
        "ethereum", HEADER, Status.FINAL, 900, None, [KindCount(Kind.TRANSFER, 150)], 4, "1491.2", "244.28", "3.2",
        "ETH", 12, 18090204, None, "/v1/transactions?block=18090205", None, Source.RAW,
    )  # fmt: skip
    said = text_of(blocks.shown(read, UTC))
    for words in (
        "ethereum #18,090,205",
        "50 % of the limit",
        "1,491.2 ETH",
        "/blocks/ethereum/18090204",
        "block=18090205",
    ):
        assert words in said
    assert '"aria-disabled": "true"' in said


def test_only_whole_addresses_have_a_page() -> None:
    assert transactions.layout(()) is not None
    assert transactions.layout(("ethereum", SENT.hash)) is not None
    assert transactions.layout(("ethereum",)) is None
    assert blocks.layout(()) is None
    assert blocks.layout(("ethereum", "1")) is not None
