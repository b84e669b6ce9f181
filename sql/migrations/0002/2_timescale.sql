-- The timescale edition: the new tables as hypertables.

CREATE TYPE txhub.token_standard AS ENUM ('erc20', 'erc721', 'erc1155');
CREATE TYPE txhub.utxo_side AS ENUM ('in', 'out');

CREATE TABLE txhub.token_transfers (
    chain_id int NOT NULL,
    block_number bigint NOT NULL,
    block_time timestamptz NOT NULL,
    tx_index int NOT NULL,
    log_index int NOT NULL,
    token_address bytea NOT NULL,
    standard txhub.token_standard NOT NULL,
    from_address bytea NOT NULL,
    to_address bytea NOT NULL,
    token_id numeric,
    amount numeric NOT NULL
) WITH (
    tsdb.hypertable,
    tsdb.partition_column = 'block_time',
    tsdb.chunk_interval = '1 day',
    tsdb.create_default_indexes = false,
    tsdb.segmentby = 'chain_id',
    tsdb.orderby = 'block_time DESC, block_number DESC, log_index DESC',
    tsdb.index = 'bloom(token_address),bloom(from_address),bloom(to_address)'
);

CREATE TABLE txhub.utxo_io (
    chain_id int NOT NULL,
    block_number bigint NOT NULL,
    block_time timestamptz NOT NULL,
    tx_index int NOT NULL,
    side txhub.utxo_side NOT NULL,
    n int NOT NULL,
    address bytea,
    script bytea NOT NULL,
    amount numeric NOT NULL
) WITH (
    tsdb.hypertable,
    tsdb.partition_column = 'block_time',
    tsdb.chunk_interval = '1 day',
    tsdb.create_default_indexes = false,
    tsdb.segmentby = 'chain_id',
    tsdb.orderby = 'block_time DESC, block_number DESC, tx_index DESC, side, n',
    tsdb.index = 'bloom(address)'
);

-- The aggregates note by themselves which buckets rows were taken out of.
CREATE FUNCTION txhub_rollup.recompute(chain int, first timestamptz, last timestamptz) RETURNS void
    LANGUAGE sql
    BEGIN ATOMIC
        SELECT;
    END;
