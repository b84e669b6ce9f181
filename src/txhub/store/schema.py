"""The contract's tables and views, for statements that are composed: their columns and nothing else.

`sql/migrations` defines them, and says what each column means. They carry no types here: the
database knows them, and answers come as Arrow.
"""

from __future__ import annotations

from sqlalchemy import TableClause, column, table
from sqlalchemy.dialects.postgresql import ENUM

from txhub.contract import Kind

TX_KIND = ENUM(*(kind.value for kind in Kind), name="tx_kind", schema="txhub", create_type=False)
"""The type of `kind`. A parameter that is compared with one has to be cast to it."""


def _table(name: str, *columns: str) -> TableClause:
    return table(name, *map(column, columns), schema="txhub")


chains = _table(
    "chains",
    "chain_id",
    "name",
    "family",
    "symbol",
    "decimals",
    "block_time_s",
    "finality_depth",
    "large_value",
    "demo",
    "follow_from",
)

blocks = _table("blocks", "chain_id", "number", "time", "tx_count", "dropped_count", "committed_at")

transactions = _table(
    "transactions",
    "chain_id",
    "block_number",
    "block_time",
    "tx_index",
    "hash",
    "from_address",
    "to_address",
    "value",
    "fee",
    "gas_used",
    "gas_price",
    "tx_type",
    "kind",
    "method_id",
    "input_size",
    "nonce",
    "success",
)

orphan_transactions = _table("orphan_transactions", *(each.name for each in transactions.c), "reorg_id")

token_transfers = _table(
    "token_transfers",
    "chain_id",
    "block_number",
    "block_time",
    "tx_index",
    "log_index",
    "token_address",
    "standard",
    "from_address",
    "to_address",
    "token_id",
    "amount",
)
orphan_token_transfers = _table("orphan_token_transfers", *(each.name for each in token_transfers.c), "reorg_id")

utxo_io = _table(
    "utxo_io", "chain_id", "block_number", "block_time", "tx_index", "side", "n", "address", "script", "amount"
)
orphan_utxo_io = _table("orphan_utxo_io", *(each.name for each in utxo_io.c), "reorg_id")

tokens = _table("tokens", "chain_id", "address", "symbol", "decimals")

_ROLLUP = (
    "chain_id",
    "chain",
    "bucket",
    "tx_count",
    "status_known_count",
    "failed_count",
    "value_sum",
    "fee_sum",
    "gas_used",
    "symbol",
    "decimals",
)
tx_1m = _table("tx_1m", *_ROLLUP, "kind")
tx_1h = _table("tx_1h", *_ROLLUP, "kind")
tx_1d = _table("tx_1d", *_ROLLUP, "kind")
chain_1m = _table("chain_1m", *_ROLLUP)
value_hist_1h = _table(
    "value_hist_1h", "chain_id", "chain", "kind", "bucket", "bin", "middle", "tx_count", "symbol", "decimals"
)
peaks_1h = _table("peaks_1h", "chain_id", "chain", "bucket", "minute", "tx_count")

stream_events = _table("stream_events", "id", "event", "chain_id", "data")

alerts = _table(
    "alerts",
    "id",
    "chain_id",
    "rule",
    "pattern",
    "subject",
    "started_at",
    "severity",
    "title",
    "hash",
    "test",
    "chain_state",
    "case_state",
    "assignee",
)
alert_parties = _table("alert_parties", "alert_id", "chain_id", "address", "role")
