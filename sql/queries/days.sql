-- Days that the worker closes, each made of its 24 closed hours. asyncpg's parameters.

-- name: touch
-- A day whose hour was closed has to be closed, or closed again.
INSERT INTO txhub_rollup.closed_days AS d (chain_id, bucket, stale)
VALUES ($1, date_trunc('day', $2::timestamptz, 'UTC'), true)
ON CONFLICT (chain_id, bucket) DO UPDATE SET stale = true WHERE NOT d.stale

-- name: next_stale
-- The newest day that has to be closed, ended before $1, and has no hour left to close; claimed, so that what touches it
-- meanwhile waits.
SELECT chain_id, bucket
FROM txhub_rollup.closed_days d
WHERE stale AND bucket <= $1::timestamptz - INTERVAL '1 day'
  AND NOT EXISTS (SELECT FROM txhub_rollup.closed_hours h
                  WHERE h.chain_id = d.chain_id AND h.stale
                    AND h.bucket >= d.bucket AND h.bucket < d.bucket + INTERVAL '1 day')
ORDER BY bucket DESC, chain_id
LIMIT 1
FOR UPDATE SKIP LOCKED

-- name: closed
UPDATE txhub_rollup.closed_days SET stale = false WHERE chain_id = $1 AND bucket = $2

-- name: clear_top_senders
DELETE FROM txhub_rollup.top_senders_1d WHERE chain_id = $1 AND bucket = $2

-- name: fill_top_senders
WITH hours AS (
    SELECT * FROM txhub_rollup.top_senders_1h WHERE chain_id = $1 AND bucket >= $2 AND bucket < $2 + INTERVAL '1 day'
), others AS (
    SELECT bucket, tx_count, value_sum, value_max, count_bound, value_bound FROM hours WHERE address IS NULL
), all_others AS (
    SELECT coalesce(sum(count_bound), 0) AS count_bound, coalesce(sum(value_bound), 0) AS value_bound,
           coalesce(sum(tx_count), 0) AS tx_count, coalesce(sum(value_sum), 0) AS value_sum, max(value_max) AS value_max
    FROM others
), summed AS (
    SELECT h.address, sum(h.tx_count) AS tx_count, sum(h.value_sum) AS value_sum, max(h.value_max) AS value_max,
           max(a.count_bound) - coalesce(sum(o.count_bound), 0) AS count_bound,
           max(a.value_bound) - coalesce(sum(o.value_bound), 0) AS value_bound
    FROM hours h
    CROSS JOIN all_others a
    LEFT JOIN others o USING (bucket)
    WHERE h.address IS NOT NULL
    GROUP BY 1
), ranked AS (
    SELECT *,
           row_number() OVER (ORDER BY tx_count DESC, value_sum DESC, address) AS by_count,
           row_number() OVER (ORDER BY value_sum DESC, tx_count DESC, address) AS by_value
    FROM summed
)
INSERT INTO txhub_rollup.top_senders_1d
    (chain_id, bucket, address, tx_count, value_sum, value_max, count_bound, value_bound)
SELECT $1, $2, address, tx_count, value_sum, value_max, count_bound, value_bound
FROM ranked
WHERE by_count <= $3 OR by_value <= $3
UNION ALL
SELECT $1, $2, NULL, a.tx_count + r.tx_count, a.value_sum + r.value_sum, greatest(a.value_max, r.value_max),
       greatest(a.count_bound, r.count_bound), greatest(a.value_bound, r.value_bound)
FROM all_others a
CROSS JOIN (
    SELECT coalesce(sum(tx_count), 0) AS tx_count, coalesce(sum(value_sum), 0) AS value_sum, max(value_max) AS value_max,
           max(tx_count + count_bound) AS count_bound, max(value_sum + value_bound) AS value_bound
    FROM ranked
    WHERE by_count > $3 AND by_value > $3
) AS r
WHERE a.tx_count + r.tx_count > 0

-- name: clear_top_receivers
DELETE FROM txhub_rollup.top_receivers_1d WHERE chain_id = $1 AND bucket = $2

-- name: fill_top_receivers
WITH hours AS (
    SELECT * FROM txhub_rollup.top_receivers_1h WHERE chain_id = $1 AND bucket >= $2 AND bucket < $2 + INTERVAL '1 day'
), others AS (
    SELECT bucket, tx_count, value_sum, value_max, count_bound, value_bound FROM hours WHERE address IS NULL
), all_others AS (
    SELECT coalesce(sum(count_bound), 0) AS count_bound, coalesce(sum(value_bound), 0) AS value_bound,
           coalesce(sum(tx_count), 0) AS tx_count, coalesce(sum(value_sum), 0) AS value_sum, max(value_max) AS value_max
    FROM others
), summed AS (
    SELECT h.address, sum(h.tx_count) AS tx_count, sum(h.value_sum) AS value_sum, max(h.value_max) AS value_max,
           max(a.count_bound) - coalesce(sum(o.count_bound), 0) AS count_bound,
           max(a.value_bound) - coalesce(sum(o.value_bound), 0) AS value_bound
    FROM hours h
    CROSS JOIN all_others a
    LEFT JOIN others o USING (bucket)
    WHERE h.address IS NOT NULL
    GROUP BY 1
), ranked AS (
    SELECT *,
           row_number() OVER (ORDER BY tx_count DESC, value_sum DESC, address) AS by_count,
           row_number() OVER (ORDER BY value_sum DESC, tx_count DESC, address) AS by_value
    FROM summed
)
INSERT INTO txhub_rollup.top_receivers_1d
    (chain_id, bucket, address, tx_count, value_sum, value_max, count_bound, value_bound)
SELECT $1, $2, address, tx_count, value_sum, value_max, count_bound, value_bound
FROM ranked
WHERE by_count <= $3 OR by_value <= $3
UNION ALL
SELECT $1, $2, NULL, a.tx_count + r.tx_count, a.value_sum + r.value_sum, greatest(a.value_max, r.value_max),
       greatest(a.count_bound, r.count_bound), greatest(a.value_bound, r.value_bound)
FROM all_others a
CROSS JOIN (
    SELECT coalesce(sum(tx_count), 0) AS tx_count, coalesce(sum(value_sum), 0) AS value_sum, max(value_max) AS value_max,
           max(tx_count + count_bound) AS count_bound, max(value_sum + value_bound) AS value_bound
    FROM ranked
    WHERE by_count > $3 AND by_value > $3
) AS r
WHERE a.tx_count + r.tx_count > 0

-- name: clear_top_flows
DELETE FROM txhub_rollup.top_flows_1d WHERE chain_id = $1 AND bucket = $2

-- name: fill_top_flows
WITH hours AS (
    SELECT * FROM txhub_rollup.top_flows_1h WHERE chain_id = $1 AND bucket >= $2 AND bucket < $2 + INTERVAL '1 day'
), others AS (
    SELECT bucket, tx_count, value_sum, value_max, count_bound, value_bound FROM hours WHERE from_address IS NULL
), all_others AS (
    SELECT coalesce(sum(count_bound), 0) AS count_bound, coalesce(sum(value_bound), 0) AS value_bound,
           coalesce(sum(tx_count), 0) AS tx_count, coalesce(sum(value_sum), 0) AS value_sum, max(value_max) AS value_max
    FROM others
), summed AS (
    SELECT h.from_address, h.to_address, sum(h.tx_count) AS tx_count, sum(h.value_sum) AS value_sum, max(h.value_max) AS value_max,
           max(a.count_bound) - coalesce(sum(o.count_bound), 0) AS count_bound,
           max(a.value_bound) - coalesce(sum(o.value_bound), 0) AS value_bound
    FROM hours h
    CROSS JOIN all_others a
    LEFT JOIN others o USING (bucket)
    WHERE h.from_address IS NOT NULL
    GROUP BY 1, 2
), ranked AS (
    SELECT *,
           row_number() OVER (ORDER BY tx_count DESC, value_sum DESC, from_address, to_address) AS by_count,
           row_number() OVER (ORDER BY value_sum DESC, tx_count DESC, from_address, to_address) AS by_value
    FROM summed
)
INSERT INTO txhub_rollup.top_flows_1d
    (chain_id, bucket, from_address, to_address, tx_count, value_sum, value_max, count_bound, value_bound)
SELECT $1, $2, from_address, to_address, tx_count, value_sum, value_max, count_bound, value_bound
FROM ranked
WHERE by_count <= $3 OR by_value <= $3
UNION ALL
SELECT $1, $2, NULL, NULL, a.tx_count + r.tx_count, a.value_sum + r.value_sum, greatest(a.value_max, r.value_max),
       greatest(a.count_bound, r.count_bound), greatest(a.value_bound, r.value_bound)
FROM all_others a
CROSS JOIN (
    SELECT coalesce(sum(tx_count), 0) AS tx_count, coalesce(sum(value_sum), 0) AS value_sum, max(value_max) AS value_max,
           max(tx_count + count_bound) AS count_bound, max(value_sum + value_bound) AS value_bound
    FROM ranked
    WHERE by_count > $3 AND by_value > $3
) AS r
WHERE a.tx_count + r.tx_count > 0
