-- The archive: days of the ledger, partitions and what is counted of them. The statements of one partition take the
-- chain's id, and the day's start and end; ADBC and asyncpg both send them.

-- name: days
-- For each chain that holds blocks from $1 on: its name, and the days of its first and of its last block from then on.
SELECT c.chain_id, c.name AS chain, (first.time AT TIME ZONE 'UTC')::date AS first,
       (last.time AT TIME ZONE 'UTC')::date AS last
FROM txhub.chains c
CROSS JOIN LATERAL (
    SELECT time FROM txhub.blocks b WHERE b.chain_id = c.chain_id AND time >= coalesce($1, '-infinity'::timestamptz)
    ORDER BY time LIMIT 1) AS first
CROSS JOIN LATERAL (
    SELECT time FROM txhub.blocks b WHERE b.chain_id = c.chain_id ORDER BY time DESC LIMIT 1) AS last
ORDER BY c.name

-- name: ledger_of_day
-- What the ledger holds of a day, and whether that is all and stays: the blocks around the day's are held too. A block
-- is later than the median of the eleven before it, so it is at most that far from its place in order of time; and the
-- finality depth must lie above. A chain that was never followed holds what it was asked for, and that is all.
WITH chain AS (
    SELECT chain_id, follow_from, finality_depth, block_time_s,
           (SELECT min(number) FROM txhub.blocks WHERE chain_id = $1) AS oldest,
           (SELECT max(number) FROM txhub.blocks WHERE chain_id = $1) AS newest
    FROM txhub.chains WHERE chain_id = $1
), inside AS (
    SELECT count(*) AS blocks, min(number) AS first, max(number) AS last,
           coalesce(sum(tx_count - dropped_count), 0)::bigint AS kept,
           sha256(coalesce(string_agg(hash, ''::bytea ORDER BY number), ''::bytea)) AS ledger
    FROM txhub.blocks WHERE chain_id = $1 AND time >= $2 AND time < $3
), around AS (
    SELECT (SELECT number FROM txhub.blocks WHERE chain_id = $1 AND time < $2
            ORDER BY time DESC, number DESC LIMIT 1) AS before,
           (SELECT number FROM txhub.blocks WHERE chain_id = $1 AND time >= $3 ORDER BY time, number LIMIT 1) AS after
), wanted AS (
    SELECT CASE WHEN blocks > 0 THEN greatest(first - 11, least(follow_from, oldest))
                ELSE coalesce(before, least(follow_from, after)) END AS first,
           CASE WHEN follow_from IS NULL THEN least(coalesce(last, after, before) + 11, newest)
                WHEN blocks > 0 THEN last + greatest(11, finality_depth)
                ELSE coalesce(after, newest + 1, follow_from) END AS last
    FROM chain, inside, around
)
SELECT inside.blocks, inside.kept, inside.ledger,
       wanted.last - wanted.first + 1
           - (SELECT count(*) FROM txhub.blocks WHERE chain_id = $1 AND number BETWEEN wanted.first AND wanted.last)
           AS missing,
       $3 + make_interval(secs => chain.block_time_s * chain.finality_depth) AS final_at
FROM chain, inside, wanted

-- name: totals_of_transactions
SELECT count(*) AS rows, coalesce(sum(value), 0)::text AS value_sum, coalesce(sum(fee), 0)::text AS fee_sum,
       min(block_number) AS first_block, max(block_number) AS last_block,
       coalesce(greatest(max(value), max(fee)) >= 1e38, false) AS wide
FROM txhub.transactions WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3

-- name: totals_of_token_transfers
SELECT count(*) AS rows, coalesce(sum(amount), 0)::text AS value_sum, '0' AS fee_sum,
       min(block_number) AS first_block, max(block_number) AS last_block, false AS wide
FROM txhub.token_transfers WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3

-- name: totals_of_utxo_io
SELECT count(*) AS rows, coalesce(sum(amount), 0)::text AS value_sum, '0' AS fee_sum,
       min(block_number) AS first_block, max(block_number) AS last_block, coalesce(max(amount) >= 1e38, false) AS wide
FROM txhub.utxo_io WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3

-- name: totals_of_blocks
SELECT count(*) AS rows, coalesce(sum(tx_count), 0)::text AS value_sum, '0' AS fee_sum,
       min(number) AS first_block, max(number) AS last_block, false AS wide
FROM txhub.blocks WHERE chain_id = $1 AND time >= $2 AND time < $3

-- name: rows_of_transactions
SELECT chain_id, block_number, block_time, tx_index, hash, from_address, to_address, value::text, fee::text, gas_used,
       gas_price, tx_type, kind::text, method_id, input_size, nonce, success
FROM txhub.transactions WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
ORDER BY block_number, tx_index

-- name: rows_of_token_transfers
SELECT chain_id, block_number, block_time, tx_index, log_index, token_address, standard::text, from_address,
       to_address, token_id::text, amount::text
FROM txhub.token_transfers WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
ORDER BY block_number, log_index, token_id

-- name: rows_of_utxo_io
SELECT chain_id, block_number, block_time, tx_index, side::text, n, address, script, amount::text
FROM txhub.utxo_io WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
ORDER BY block_number, tx_index, utxo_io.side, n

-- name: rows_of_blocks
SELECT chain_id, number, hash, parent_hash, time, tx_count, dropped_count, gas_used, gas_limit, base_fee, size,
       committed_at
FROM txhub.blocks WHERE chain_id = $1 AND time >= $2 AND time < $3
ORDER BY number

-- name: claim
SELECT pg_advisory_lock(hashtext('txhub archive'))

-- name: entries
SELECT m.chain_id, c.name AS chain, m.table_name, m.day, m.path, m.rows, m.first_block, m.last_block, m.value_sum,
       m.fee_sum, m.wide, m.bytes, m.sha256, m.ledger, m.exported_at, m.verified_at, m.dropped_at, m.restored_at, c.family
FROM txhub.archive_manifest m
JOIN txhub.chains c USING (chain_id)
WHERE m.day >= coalesce($1::date, '-infinity') AND m.day <= coalesce($2::date, 'infinity')
ORDER BY m.day, c.name, m.table_name

-- name: forget
-- Before its files are written anew; what stands for rows that are gone is never forgotten.
DELETE FROM txhub.archive_manifest
WHERE chain_id = $1 AND day = $2 AND (dropped_at IS NULL OR restored_at IS NOT NULL)

-- name: record
INSERT INTO txhub.archive_manifest
    (chain_id, table_name, day, path, rows, first_block, last_block, value_sum, fee_sum, wide, bytes, sha256, ledger)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)

-- name: verified
UPDATE txhub.archive_manifest
SET verified_at = CASE WHEN $4 THEN clock_timestamp() END
WHERE chain_id = $1 AND day = $2 AND table_name = $3 AND ($4 OR dropped_at IS NULL OR restored_at IS NOT NULL)

-- name: chains
SELECT chain_id, name FROM txhub.chains ORDER BY name

-- name: rollups_that_differ
-- Of the days $1, which lie in [$2, $3): one where a rollup does not add up to what was archived.
WITH told AS (
    SELECT 'tx_1m' AS rollup, chain_id, (bucket AT TIME ZONE 'UTC')::date AS day,
           sum(tx_count) AS rows, sum(value_sum) AS value_sum, sum(fee_sum) AS fee_sum
    FROM txhub_rollup.tx_1m WHERE bucket >= $2 AND bucket < $3 GROUP BY 2, 3
    UNION ALL
    SELECT 'value_hist_1h', chain_id, (bucket AT TIME ZONE 'UTC')::date, sum(tx_count), NULL, NULL
    FROM txhub_rollup.value_hist_1h WHERE bucket >= $2 AND bucket < $3 GROUP BY 2, 3
    UNION ALL
    SELECT 'token_1h', chain_id, (bucket AT TIME ZONE 'UTC')::date, sum(transfer_count), sum(amount_sum), NULL
    FROM txhub_rollup.token_1h WHERE bucket >= $2 AND bucket < $3 GROUP BY 2, 3
)
SELECT c.name AS chain, m.day, r.rollup
FROM txhub.archive_manifest m
JOIN txhub.chains c USING (chain_id)
JOIN (VALUES ('tx_1m', 'transactions'), ('value_hist_1h', 'transactions'), ('token_1h', 'token_transfers'))
    AS r (rollup, table_name) USING (table_name)
LEFT JOIN told t ON t.rollup = r.rollup AND t.chain_id = m.chain_id AND t.day = m.day
WHERE m.day = ANY ($1::date[])
  AND (coalesce(t.rows, 0) <> m.rows
       OR coalesce(t.value_sum, m.value_sum) <> m.value_sum
       OR coalesce(t.fee_sum, m.fee_sum) <> m.fee_sum)
LIMIT 1

-- name: hours_to_close
-- Whether an hour of [$1, $2) with blocks in it is not closed, or a commit that touched it was not looked at.
SELECT EXISTS (
    SELECT FROM txhub.chains c
    CROSS JOIN generate_series($1::timestamptz, $2::timestamptz - INTERVAL '1 hour', INTERVAL '1 hour') AS hour
    WHERE EXISTS (SELECT FROM txhub.blocks b
                  WHERE b.chain_id = c.chain_id AND b.time >= hour AND b.time < hour + INTERVAL '1 hour')
      AND NOT EXISTS (SELECT FROM txhub_rollup.closed_hours h
                      WHERE h.chain_id = c.chain_id AND h.bucket = hour AND NOT h.stale))
    OR EXISTS (
    SELECT FROM txhub.stream_events e
    WHERE e.id > coalesce((SELECT event_id FROM txhub.cursors WHERE reader = 'rollup'), 0)
      AND e.event IN ('block', 'backfill', 'reorg')
      AND least((e.data ->> 'start')::timestamptz, (e.data ->> 'time')::timestamptz) < $2)

-- name: drop_raw
SELECT txhub_rollup.drop_raw($1)

-- name: dropped
UPDATE txhub.archive_manifest SET dropped_at = clock_timestamp(), restored_at = NULL WHERE day = ANY ($1::date[])

-- name: restored
UPDATE txhub.archive_manifest SET restored_at = clock_timestamp() WHERE day = $1
