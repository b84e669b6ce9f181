-- The ledger by minute: what spikes and drops are judged by. ADBC's parameters.

-- name: minutes
-- The blocks with times from $2 on: how many of each minute, their least and greatest number, and how many of their
-- transactions are stored. The ledger tells them at commit, when rollups may still be behind.
SELECT date_trunc('minute', time, 'UTC') AS minute, count(*) AS blocks, min(number) AS first, max(number) AS last,
       sum(tx_count - dropped_count) AS transactions
FROM txhub.blocks
WHERE chain_id = $1 AND time >= $2
GROUP BY 1
ORDER BY 1
