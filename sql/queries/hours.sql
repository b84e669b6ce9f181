-- Hours that the worker closes: the busiest senders, receivers and flows, and the active addresses. asyncpg's parameters.

-- name: touch
-- Every hour that a span of time touches has to be closed, or closed again.
INSERT INTO txhub_rollup.closed_hours AS h (chain_id, bucket, stale)
SELECT t.chain_id, hour, true
FROM unnest($1::int[], $2::timestamptz[], $3::timestamptz[]) AS t (chain_id, first, last)
CROSS JOIN LATERAL generate_series(date_trunc('hour', first, 'UTC'), last, INTERVAL '1 hour') AS hour
GROUP BY 1, 2
ORDER BY 1, 2
ON CONFLICT (chain_id, bucket) DO UPDATE SET stale = true WHERE NOT h.stale

-- name: next_stale
-- The newest hour above the horizon that has to be closed and ended before $1; claimed, so that what touches it
-- meanwhile waits.
SELECT chain_id, bucket
FROM txhub_rollup.closed_hours
WHERE stale AND bucket <= $1::timestamptz - INTERVAL '1 hour'
  AND bucket >= coalesce((SELECT time FROM txhub.horizon), '-infinity')
ORDER BY bucket DESC, chain_id
LIMIT 1
FOR UPDATE SKIP LOCKED

-- name: closed
UPDATE txhub_rollup.closed_hours SET stale = false WHERE chain_id = $1 AND bucket = $2

-- name: clear_top_senders
DELETE FROM txhub_rollup.top_senders_1h WHERE chain_id = $1 AND bucket = $2

-- name: clear_top_receivers
DELETE FROM txhub_rollup.top_receivers_1h WHERE chain_id = $1 AND bucket = $2

-- name: clear_top_flows
DELETE FROM txhub_rollup.top_flows_1h WHERE chain_id = $1 AND bucket = $2

-- name: fill_top_senders
WITH ranked AS (
    SELECT from_address AS address, count(*) AS tx_count, sum(value) AS value_sum, max(value) AS value_max,
           row_number() OVER (ORDER BY count(*) DESC, sum(value) DESC, from_address) AS by_count,
           row_number() OVER (ORDER BY sum(value) DESC, count(*) DESC, from_address) AS by_value
    FROM txhub.transactions
    WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 hour' AND from_address IS NOT NULL
    GROUP BY from_address
)
INSERT INTO txhub_rollup.top_senders_1h
    (chain_id, bucket, address, tx_count, value_sum, value_max, count_bound, value_bound)
SELECT $1, $2, address, tx_count, value_sum, value_max, 0, 0
FROM ranked
WHERE by_count <= $3 OR by_value <= $3
UNION ALL
SELECT $1, $2, NULL, sum(tx_count), sum(value_sum), max(value_max), max(tx_count), max(value_sum)
FROM ranked
WHERE by_count > $3 AND by_value > $3
HAVING count(*) > 0

-- name: fill_top_receivers
WITH ranked AS (
    SELECT to_address AS address, count(*) AS tx_count, sum(value) AS value_sum, max(value) AS value_max,
           row_number() OVER (ORDER BY count(*) DESC, sum(value) DESC, to_address) AS by_count,
           row_number() OVER (ORDER BY sum(value) DESC, count(*) DESC, to_address) AS by_value
    FROM txhub.transactions
    WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 hour' AND to_address IS NOT NULL
    GROUP BY to_address
)
INSERT INTO txhub_rollup.top_receivers_1h
    (chain_id, bucket, address, tx_count, value_sum, value_max, count_bound, value_bound)
SELECT $1, $2, address, tx_count, value_sum, value_max, 0, 0
FROM ranked
WHERE by_count <= $3 OR by_value <= $3
UNION ALL
SELECT $1, $2, NULL, sum(tx_count), sum(value_sum), max(value_max), max(tx_count), max(value_sum)
FROM ranked
WHERE by_count > $3 AND by_value > $3
HAVING count(*) > 0

-- name: fill_top_flows
WITH ranked AS (
    SELECT from_address, to_address, count(*) AS tx_count, sum(value) AS value_sum, max(value) AS value_max,
           row_number() OVER (ORDER BY count(*) DESC, sum(value) DESC, from_address, to_address) AS by_count,
           row_number() OVER (ORDER BY sum(value) DESC, count(*) DESC, from_address, to_address) AS by_value
    FROM txhub.transactions
    WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 hour'
      AND from_address IS NOT NULL AND to_address IS NOT NULL
    GROUP BY from_address, to_address
)
INSERT INTO txhub_rollup.top_flows_1h
    (chain_id, bucket, from_address, to_address, tx_count, value_sum, value_max, count_bound, value_bound)
SELECT $1, $2, from_address, to_address, tx_count, value_sum, value_max, 0, 0
FROM ranked
WHERE by_count <= $3 OR by_value <= $3
UNION ALL
SELECT $1, $2, NULL, NULL, sum(tx_count), sum(value_sum), max(value_max), max(tx_count), max(value_sum)
FROM ranked
WHERE by_count > $3 AND by_value > $3
HAVING count(*) > 0

-- name: active
-- In order: a sketch's estimate depends a little on the order in which it sees what is new.
SELECT encode(from_address, 'hex') AS address FROM txhub.transactions
WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 hour' AND from_address IS NOT NULL
UNION
SELECT encode(to_address, 'hex') FROM txhub.transactions
WHERE chain_id = $1 AND block_time >= $2 AND block_time < $2 + INTERVAL '1 hour' AND to_address IS NOT NULL
ORDER BY address

-- name: store_active
INSERT INTO txhub_rollup.active_1h (chain_id, bucket, sketch) VALUES ($1, $2, $3)
ON CONFLICT (chain_id, bucket) DO UPDATE SET sketch = EXCLUDED.sketch
