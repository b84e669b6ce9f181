-- What `txhub bench soak` asks. asyncpg's parameters.

-- name: ages
-- Of each followed chain: how many seconds old its newest block is.
SELECT c.name, extract(epoch FROM clock_timestamp() - b.time)::float8 AS age
FROM txhub.chains c
CROSS JOIN LATERAL (
    SELECT time FROM txhub.blocks b WHERE b.chain_id = c.chain_id ORDER BY number DESC LIMIT 1) AS b
WHERE c.follow_from IS NOT NULL

-- name: newest
-- The newest line of the event log, and the newest alert.
SELECT (SELECT coalesce(max(id), 0) FROM txhub.event_log)::bigint AS event,
       (SELECT coalesce(max(id), 0) FROM txhub.alerts)::bigint AS alert

-- name: events
-- The names of what was written after $1, and how often each.
SELECT event, count(*) FROM txhub.event_log WHERE id > $1 GROUP BY 1

-- name: raised
-- What txhub raised about itself after alert $1, and how often each.
SELECT rule, subject, count(*) AS times FROM txhub.alerts WHERE id > $1 AND rule_id = 0 GROUP BY 1, 2

-- name: open
-- What is found wrong and goes on: it is not alerted of anew.
SELECT DISTINCT name FROM txhub.findings WHERE ended_at IS NULL

-- name: inconsistent
-- What the worker's own looks found wrong with the data.
SELECT name, says FROM txhub.findings WHERE name IN ('gap_found', 'block_disagrees', 'rollup_disagrees')

-- name: blocks
-- What of a chain is committed up to block $2: number, hash, how many transactions it says it has, and the number from
-- which on none may be missing.
SELECT b.number, b.hash, b.tx_count, c.follow_from
FROM txhub.blocks b
JOIN txhub.chains c USING (chain_id)
WHERE b.chain_id = $1 AND b.number <= $2
ORDER BY b.number

-- name: counted
-- Of a chain up to block $2: rows, different rows, what moved tokens or coins and is there twice, and what the rollup has
-- of the minutes before that of the block.
SELECT (SELECT count(*) FROM txhub.transactions WHERE chain_id = $1 AND block_number <= $2) AS rows,
       (SELECT count(DISTINCT (block_number, tx_index)) FROM txhub.transactions
        WHERE chain_id = $1 AND block_number <= $2) AS different,
       (SELECT count(*) - count(DISTINCT (block_number, log_index)) FROM txhub.token_transfers
        WHERE chain_id = $1 AND standard <> 'erc1155') AS doubled_transfers,
       (SELECT count(*) - count(DISTINCT (block_number, tx_index, side, n)) FROM txhub.utxo_io
        WHERE chain_id = $1) AS doubled_coins,
       (SELECT count(*) FROM txhub.transactions
        WHERE chain_id = $1 AND block_time < (SELECT date_trunc('minute', time, 'UTC') FROM txhub.blocks
                                              WHERE chain_id = $1 AND number = $2)) AS before,
       (SELECT coalesce(sum(tx_count), 0)::bigint FROM txhub.chain_1m
        WHERE chain_id = $1 AND bucket < (SELECT date_trunc('minute', time, 'UTC') FROM txhub.blocks
                                          WHERE chain_id = $1 AND number = $2)) AS rolled_up

-- name: unread
-- How many events of the outbox the rollups have not been brought up to date with.
SELECT count(*) FROM txhub.stream_events
WHERE id > coalesce((SELECT event_id FROM txhub.cursors WHERE reader = 'rollup'), 0)
  AND event IN ('block', 'backfill', 'reorg')
