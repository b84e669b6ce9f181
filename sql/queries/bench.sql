-- What benchmarks ask beside the API's own questions.

-- name: stored
-- What a run of `bench ingest` has to have stored. asyncpg's parameters.
SELECT count(*), sum(value), sum(fee), (SELECT count(*) FROM txhub.token_transfers) FROM txhub.transactions

-- name: before
-- Room for rows from $1 to $2, which go into the columnstore directly where there is one. ADBC's parameters, as below.
SELECT txhub_rollup.make_room($1, $2), txhub_rollup.before_copy(true)

-- name: event
-- What a commit tells the worker: blocks of the chain $1 from $2 to $3 are new.
INSERT INTO txhub.stream_events (event, chain_id, data)
SELECT 'backfill', $1::int, jsonb_build_object('start', $2::timestamptz, 'end', $3::timestamptz)

-- name: after
-- What a commit owes the rollups, for all blocks of the chain $1 from $2 to $3.
SELECT txhub_rollup.after_copy($1::int, $2, $3, numbers), txhub_rollup.add_hours($1::int, $2, $3, numbers)
FROM (SELECT array_agg(number) AS numbers FROM txhub.blocks WHERE chain_id = $1 AND time BETWEEN $2 AND $3) AS written

-- name: size
-- asyncpg's parameters.
SELECT pg_database_size(current_database()) AS bytes

-- name: some
-- Transactions of a block: hashes and senders to ask for.
SELECT hash, from_address, block_time FROM txhub.transactions
WHERE block_time = (SELECT time FROM txhub.blocks WHERE time >= $1 AND tx_count > 0 ORDER BY time LIMIT 1)
ORDER BY tx_index

-- name: hash
-- A transaction by its hash, in [$2, $3).
SELECT block_number, tx_index FROM txhub.transactions WHERE hash = $1 AND block_time >= $2 AND block_time < $3

-- name: held
-- What an earlier run left of the chain $1, by its ledger. asyncpg's parameters, as below.
SELECT c.chain_id, coalesce(sum(b.tx_count), 0)::bigint AS rows,
       count(DISTINCT date_trunc('day', b.time, 'UTC')) AS days, min(b.time) AS start
FROM txhub.chains c
LEFT JOIN txhub.blocks b USING (chain_id)
WHERE c.name = $1
GROUP BY c.chain_id

-- name: analyze
VACUUM (ANALYZE)

-- name: rows_in_order
SELECT * FROM txhub.transactions ORDER BY block_number, tx_index

-- name: empty
TRUNCATE txhub.transactions

-- name: before_bulk
SELECT txhub_rollup.before_copy(true)

-- name: alerts
SELECT rule, count(*) AS count FROM txhub.alerts GROUP BY rule ORDER BY rule

-- name: alert_latency
-- From a block's row to its alert, in milliseconds; the first block only makes the trail.
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) AS p95,
       count(*) AS count
FROM (
    SELECT extract(epoch FROM a.created_at - b.committed_at) * 1000 AS ms
    FROM txhub.alerts a
    JOIN txhub.blocks b ON b.chain_id = a.chain_id AND b.number = a.block_number
    WHERE a.chain_id = $1 AND b.number > (SELECT min(number) FROM txhub.blocks WHERE chain_id = $1)
) AS taken

-- name: label_busiest
-- The ten busiest senders and receivers of plain transfers, in a day, as an exchange's.
INSERT INTO txhub.labels (chain_id, address, name, category, source, list_version, valid_from)
SELECT chain_id, address, 'Exchange ' || encode(address, 'hex'), 'exchange', 'bench', '1', now()
FROM (
    (SELECT chain_id, from_address AS address FROM txhub.transactions
     WHERE kind = 'transfer' AND block_time < (SELECT min(time) + INTERVAL '1 day' FROM txhub.blocks)
     GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 10)
    UNION
    (SELECT chain_id, to_address FROM txhub.transactions
     WHERE kind = 'transfer' AND block_time < (SELECT min(time) + INTERVAL '1 day' FROM txhub.blocks)
     GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 10)
) AS busiest

-- name: stored_time
-- How many transactions there are by the ledger, and how many seconds of their chains' time it holds.
SELECT coalesce(sum(b.tx_count), 0)::bigint AS rows, coalesce(sum(c.block_time_s), 0)::bigint AS seconds
FROM txhub.blocks b
JOIN txhub.chains c USING (chain_id)
