-- The API's questions as `txhub bench store` puts them to DuckDB, over Parquet files that hold the same transactions. Their
-- last column is what both have to agree on. DuckDB's parameters: $start, $end, $address, $hash.

-- name: rate_by_minute
SELECT time_bucket(INTERVAL '1 minute', block_time) AS time, count(*) AS rate
FROM transactions WHERE block_time >= $start AND block_time < $end GROUP BY 1 ORDER BY 1

-- name: rate_by_kind
SELECT kind, time_bucket(INTERVAL '15 minutes', block_time) AS time, count(*) / 15 AS rate
FROM transactions WHERE block_time >= $start AND block_time < $end GROUP BY 1, 2 ORDER BY 1, 2

-- name: average_value
SELECT time_bucket(INTERVAL '1 hour', block_time) AS time, sum(value) / count(*) / 1e18 AS average
FROM transactions WHERE block_time >= $start AND block_time < $end GROUP BY 1 ORDER BY 1

-- name: volume
SELECT time_bucket(INTERVAL '1 day', block_time) AS time, sum(value) / 1e18 AS volume
FROM transactions WHERE block_time >= $start AND block_time < $end GROUP BY 1 ORDER BY 1

-- name: fees
SELECT time_bucket(INTERVAL '1 minute', block_time) AS time, sum(fee) / 1e18 AS fees
FROM transactions WHERE block_time >= $start AND block_time < $end GROUP BY 1 ORDER BY 1

-- name: failed_rate
SELECT time_bucket(INTERVAL '1 hour', block_time) AS time, count(*) FILTER (NOT success) / count(success) AS failed_rate
FROM transactions WHERE block_time >= $start AND block_time < $end GROUP BY 1 ORDER BY 1

-- name: active_addresses
WITH seen AS (
    SELECT time_bucket(INTERVAL '1 hour', block_time) AS time, unnest([from_address, to_address]) AS address
    FROM transactions WHERE block_time >= $start AND block_time < $end
)
SELECT time, count(DISTINCT address) AS addresses FROM seen GROUP BY 1 ORDER BY 1

-- name: value_quantiles
WITH hours AS (
    SELECT time_bucket(INTERVAL '1 hour', block_time) AS time,
           quantile_disc(value, [0.1, 0.25, 0.5, 0.75, 0.9, 0.99]) AS quantiles
    FROM transactions WHERE block_time >= $start AND block_time < $end GROUP BY 1
)
SELECT time, unnest(quantiles) / 1e18 AS value FROM hours ORDER BY 1, 2

-- name: peaks
WITH minutes AS (
    SELECT time_bucket(INTERVAL '1 minute', block_time) AS minute, count(*) AS tx_count
    FROM transactions WHERE block_time >= $start AND block_time < $end GROUP BY 1
)
SELECT time_bucket(INTERVAL '1 hour', minute) AS hour, arg_max(minute, tx_count), max(tx_count) AS tx_count
FROM minutes GROUP BY 1 ORDER BY tx_count DESC, hour DESC LIMIT 50

-- name: top_senders
SELECT from_address, sum(value), max(value), count(*) AS tx_count
FROM transactions WHERE block_time >= $start AND block_time < $end
GROUP BY 1 ORDER BY tx_count DESC, 1 LIMIT 20

-- name: top_receivers
SELECT to_address, count(*), max(value), sum(value) / 1e18 AS value
FROM transactions WHERE block_time >= $start AND block_time < $end AND to_address IS NOT NULL
GROUP BY 1 ORDER BY value DESC LIMIT 20

-- name: top_flows
SELECT from_address, to_address, sum(value), max(value), count(*) AS tx_count
FROM transactions WHERE block_time >= $start AND block_time < $end AND from_address IS NOT NULL AND to_address IS NOT NULL
GROUP BY 1, 2 ORDER BY tx_count DESC, 1, 2 LIMIT 20

-- name: newest
SELECT * EXCLUDE (value), value / 1e18 AS value FROM transactions ORDER BY block_time DESC, tx_index DESC LIMIT 100

-- name: newest_before
SELECT * EXCLUDE (value), value / 1e18 AS value FROM transactions
WHERE block_time >= $start AND block_time < $end ORDER BY block_time DESC, tx_index DESC LIMIT 100

-- name: newest_large
SELECT * EXCLUDE (value), value / 1e18 AS value FROM transactions
WHERE value >= 50::DECIMAL(38, 0) * 1000000000000000000 ORDER BY block_time DESC, tx_index DESC LIMIT 100

-- name: address_in_range
SELECT * EXCLUDE (value), value / 1e18 AS value FROM transactions
WHERE (from_address = $address OR to_address = $address) AND block_time >= $start AND block_time < $end
ORDER BY block_time DESC, tx_index DESC LIMIT 100

-- name: address
SELECT * EXCLUDE (value), value / 1e18 AS value FROM transactions
WHERE from_address = $address OR to_address = $address ORDER BY block_time DESC, tx_index DESC LIMIT 100

-- name: hash_in_range
SELECT block_number + tx_index AS place FROM transactions WHERE hash = $hash AND block_time >= $start AND block_time < $end

-- name: hash
SELECT block_number + tx_index AS place FROM transactions WHERE hash = $hash
