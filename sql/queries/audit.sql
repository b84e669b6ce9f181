-- The audit: what is stored against what it says of itself. asyncpg's parameters; one snapshot for all of a chain.

-- name: patience
SELECT set_config('statement_timeout', $1, true)

-- name: chains
-- Every chain, and from where on and up to where its raw rows are here: nothing is audited below the horizon.
SELECT c.chain_id, c.name,
       (SELECT min(number) FROM txhub.blocks b
        WHERE b.chain_id = c.chain_id AND b.time >= coalesce(h.time, '-infinity')) AS first_block,
       (SELECT max(number) FROM txhub.blocks b WHERE b.chain_id = c.chain_id) AS last_block,
       (SELECT min(time) FROM txhub.blocks b
        WHERE b.chain_id = c.chain_id AND b.time >= coalesce(h.time, '-infinity')) AS first_time,
       (SELECT max(time) FROM txhub.blocks b WHERE b.chain_id = c.chain_id) AS last_time
FROM txhub.chains c, txhub.horizon h
ORDER BY c.name

-- name: blocks
-- Of the blocks $2 to $3 of a chain: those whose rows are not as many as the header and the filter say, or whose gas,
-- where all of it is known and nothing was left out, does not add up to the header's.
WITH headers AS (
    SELECT number, time, tx_count, dropped_count, gas_used
    FROM txhub.blocks
    WHERE chain_id = $1 AND number BETWEEN $2 AND $3 AND time >= coalesce((SELECT time FROM txhub.horizon), '-infinity')
), held AS (
    SELECT block_number, count(*) AS rows, count(gas_used) AS known, sum(gas_used) AS gas_used
    FROM txhub.transactions
    WHERE chain_id = $1 AND block_number BETWEEN $2 AND $3
      AND block_time BETWEEN (SELECT min(time) FROM headers) AND (SELECT max(time) FROM headers)
    GROUP BY block_number
)
SELECT h.number, h.tx_count - h.dropped_count AS expected, coalesce(t.rows, 0) AS rows, h.gas_used, t.gas_used AS gas_sum
FROM headers h
LEFT JOIN held t ON t.block_number = h.number
WHERE coalesce(t.rows, 0) <> h.tx_count - h.dropped_count
   OR (h.dropped_count = 0 AND t.known = t.rows AND t.gas_used <> h.gas_used)
ORDER BY h.number
LIMIT 10

-- name: is_settled
-- Whether everything that touched [$2, $3) of a chain is in the rollups: its commits were read from the outbox.
SELECT NOT EXISTS (
    SELECT FROM txhub.stream_events e
    WHERE e.id > coalesce((SELECT event_id FROM txhub.cursors WHERE reader = 'rollup'), 0)
      AND e.event IN ('block', 'backfill', 'reorg')
      AND e.chain_id = $1
      AND least((e.data ->> 'start')::timestamptz, (e.data ->> 'time')::timestamptz) < $3
      AND greatest((e.data ->> 'end')::timestamptz, (e.data ->> 'time')::timestamptz) >= $2)

-- name: tx_1m
-- Minutes of [$2, $3) where the rollup is not what the raw rows add up to; exact.
SELECT count(*)
FROM (SELECT kind, bucket, tx_count, status_known_count, failed_count, value_sum, value_max, fee_sum, gas_used
      FROM txhub_rollup.tx_1m WHERE chain_id = $1 AND bucket >= $2 AND bucket < $3) AS r
FULL JOIN (
    SELECT kind, date_trunc('minute', block_time, 'UTC') AS bucket, count(*) AS tx_count,
           count(success) AS status_known_count, count(*) FILTER (WHERE success = false) AS failed_count,
           sum(value) AS value_sum, max(value) AS value_max, sum(fee) AS fee_sum, sum(gas_used) AS gas_used
    FROM txhub.transactions WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
    GROUP BY 1, 2) AS t USING (kind, bucket)
WHERE (r.tx_count, r.status_known_count, r.failed_count, r.value_sum, r.value_max, r.fee_sum, r.gas_used)
      IS DISTINCT FROM
      (t.tx_count, t.status_known_count, t.failed_count, t.value_sum, t.value_max, t.fee_sum, t.gas_used)

-- name: chain_1m
SELECT count(*)
FROM (SELECT bucket, tx_count, failed_count, value_sum, value_max, fee_sum, gas_used
      FROM txhub_rollup.chain_1m WHERE chain_id = $1 AND bucket >= $2 AND bucket < $3) AS r
FULL JOIN (
    SELECT date_trunc('minute', block_time, 'UTC') AS bucket, count(*) AS tx_count,
           count(*) FILTER (WHERE success = false) AS failed_count,
           sum(value) AS value_sum, max(value) AS value_max, sum(fee) AS fee_sum, sum(gas_used) AS gas_used
    FROM txhub.transactions WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
    GROUP BY 1) AS t USING (bucket)
WHERE (r.tx_count, r.failed_count, r.value_sum, r.value_max, r.fee_sum, r.gas_used)
      IS DISTINCT FROM (t.tx_count, t.failed_count, t.value_sum, t.value_max, t.fee_sum, t.gas_used)

-- name: tx_1h
SELECT count(*)
FROM (SELECT kind, bucket, tx_count, status_known_count, failed_count, value_sum, value_max, fee_sum, gas_used
      FROM txhub_rollup.tx_1h WHERE chain_id = $1 AND bucket >= $2 AND bucket < $3) AS r
FULL JOIN (
    SELECT kind, date_trunc('hour', block_time, 'UTC') AS bucket, count(*) AS tx_count,
           count(success) AS status_known_count, count(*) FILTER (WHERE success = false) AS failed_count,
           sum(value) AS value_sum, max(value) AS value_max, sum(fee) AS fee_sum, sum(gas_used) AS gas_used
    FROM txhub.transactions WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
    GROUP BY 1, 2) AS t USING (kind, bucket)
WHERE (r.tx_count, r.status_known_count, r.failed_count, r.value_sum, r.value_max, r.fee_sum, r.gas_used)
      IS DISTINCT FROM
      (t.tx_count, t.status_known_count, t.failed_count, t.value_sum, t.value_max, t.fee_sum, t.gas_used)

-- name: peaks_1h
SELECT count(*)
FROM (SELECT bucket, peak FROM txhub_rollup.peaks_1h WHERE chain_id = $1 AND bucket >= $2 AND bucket < $3) AS r
FULL JOIN (
    SELECT hour AS bucket, max(ARRAY[tx_count, -extract(epoch FROM minute - hour)::bigint]) AS peak
    FROM (SELECT date_trunc('hour', block_time, 'UTC') AS hour, date_trunc('minute', block_time, 'UTC') AS minute,
                 count(*) AS tx_count
          FROM txhub.transactions WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
          GROUP BY 1, 2) AS minutes
    GROUP BY 1) AS t USING (bucket)
WHERE r.peak IS DISTINCT FROM t.peak

-- name: value_hist_1h
SELECT count(*)
FROM (SELECT kind, bucket, bin, tx_count
      FROM txhub_rollup.value_hist_1h WHERE chain_id = $1 AND bucket >= $2 AND bucket < $3) AS r
FULL JOIN (
    SELECT kind, date_trunc('hour', block_time, 'UTC') AS bucket, txhub.value_bin(value) AS bin, count(*) AS tx_count
    FROM txhub.transactions WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
    GROUP BY 1, 2, 3) AS t USING (kind, bucket, bin)
WHERE r.tx_count IS DISTINCT FROM t.tx_count

-- name: token_1h
SELECT count(*)
FROM (SELECT token_address, bucket, transfer_count, amount_sum
      FROM txhub_rollup.token_1h WHERE chain_id = $1 AND bucket >= $2 AND bucket < $3) AS r
FULL JOIN (
    SELECT token_address, date_trunc('hour', block_time, 'UTC') AS bucket, count(*) AS transfer_count,
           sum(amount) AS amount_sum
    FROM txhub.token_transfers WHERE chain_id = $1 AND block_time >= $2 AND block_time < $3
    GROUP BY 1, 2) AS t USING (token_address, bucket)
WHERE (r.transfer_count, r.amount_sum) IS DISTINCT FROM (t.transfer_count, t.amount_sum)

-- name: tx_1d
-- Days around [$2, $3) that are not what their hours add up to.
SELECT count(*)
FROM (SELECT kind, bucket, tx_count, status_known_count, failed_count, value_sum, value_max, fee_sum, gas_used
      FROM txhub_rollup.tx_1d
      WHERE chain_id = $1 AND bucket >= date_trunc('day', $2::timestamptz, 'UTC') AND bucket < $3) AS r
FULL JOIN (
    SELECT kind, date_trunc('day', bucket, 'UTC') AS bucket, sum(tx_count) AS tx_count,
           sum(status_known_count) AS status_known_count, sum(failed_count) AS failed_count,
           sum(value_sum) AS value_sum, max(value_max) AS value_max, sum(fee_sum) AS fee_sum, sum(gas_used) AS gas_used
    FROM txhub_rollup.tx_1h
    WHERE chain_id = $1 AND bucket >= date_trunc('day', $2::timestamptz, 'UTC')
      AND bucket < date_trunc('day', $2::timestamptz, 'UTC') + INTERVAL '1 day'
    GROUP BY 1, 2) AS t USING (kind, bucket)
WHERE (r.tx_count, r.status_known_count, r.failed_count, r.value_sum, r.value_max, r.fee_sum, r.gas_used)
      IS DISTINCT FROM
      (t.tx_count, t.status_known_count, t.failed_count, t.value_sum, t.value_max, t.fee_sum, t.gas_used)
