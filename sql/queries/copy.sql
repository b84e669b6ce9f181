-- A database copied into another, a day of a chain at a time. asyncpg's parameters.

-- name: chains
SELECT * FROM txhub.chains ORDER BY chain_id

-- name: days
-- Each day that a chain has blocks of, and how many.
SELECT chain_id, date_trunc('day', time, 'UTC') AS day, count(*) AS blocks, sum(tx_count) AS transactions
FROM txhub.blocks
GROUP BY 1, 2
ORDER BY 2 DESC, 1

-- name: columns
SELECT array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_attribute a
WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped

-- name: read_blocks
SELECT * FROM txhub.blocks
WHERE chain_id = $1 AND time >= $2::timestamptz AND time < $2::timestamptz + INTERVAL '1 day'
ORDER BY number

-- name: read_transactions
SELECT * FROM txhub.transactions
WHERE chain_id = $1 AND block_time >= $2::timestamptz AND block_time < $2::timestamptz + INTERVAL '1 day'

-- name: read_token_transfers
SELECT * FROM txhub.token_transfers
WHERE chain_id = $1 AND block_time >= $2::timestamptz AND block_time < $2::timestamptz + INTERVAL '1 day'

-- name: read_utxo_io
SELECT * FROM txhub.utxo_io
WHERE chain_id = $1 AND block_time >= $2::timestamptz AND block_time < $2::timestamptz + INTERVAL '1 day'

-- name: figures
-- What a day of a chain amounts to: two databases that agree in all of it hold the same.
SELECT (SELECT count(*) FROM txhub.blocks
        WHERE chain_id = $1 AND time >= $2::timestamptz AND time < $2::timestamptz + INTERVAL '1 day') AS blocks,
       (SELECT md5(string_agg(hash, ''::bytea ORDER BY number)) FROM txhub.blocks
        WHERE chain_id = $1 AND time >= $2::timestamptz AND time < $2::timestamptz + INTERVAL '1 day') AS hashes,
       (SELECT ROW(count(*), sum(value), sum(fee), sum(gas_used), sum(nonce), sum(input_size), count(success))::text
        FROM txhub.transactions
        WHERE chain_id = $1 AND block_time >= $2::timestamptz AND block_time < $2::timestamptz + INTERVAL '1 day') AS transactions,
       (SELECT ROW(count(*), sum(amount), sum(token_id), sum(log_index))::text FROM txhub.token_transfers
        WHERE chain_id = $1 AND block_time >= $2::timestamptz AND block_time < $2::timestamptz + INTERVAL '1 day') AS token_transfers,
       (SELECT ROW(count(*), sum(amount), sum(n), count(address))::text FROM txhub.utxo_io
        WHERE chain_id = $1 AND block_time >= $2::timestamptz AND block_time < $2::timestamptz + INTERVAL '1 day') AS utxo_io

-- name: clear_blocks
DELETE FROM txhub.blocks WHERE chain_id = $1 AND time >= $2::timestamptz AND time < $2::timestamptz + INTERVAL '1 day'

-- name: clear_transactions
DELETE FROM txhub.transactions WHERE chain_id = $1 AND block_time >= $2::timestamptz AND block_time < $2::timestamptz + INTERVAL '1 day'

-- name: clear_token_transfers
DELETE FROM txhub.token_transfers WHERE chain_id = $1 AND block_time >= $2::timestamptz AND block_time < $2::timestamptz + INTERVAL '1 day'

-- name: clear_utxo_io
DELETE FROM txhub.utxo_io WHERE chain_id = $1 AND block_time >= $2::timestamptz AND block_time < $2::timestamptz + INTERVAL '1 day'

-- name: recompute
SELECT txhub_rollup.recompute($1, $2, $3), txhub_rollup.recompute_hours($1, $2, $3)

-- name: read_all_tokens
SELECT * FROM txhub.tokens

-- name: clear_all_tokens
DELETE FROM txhub.tokens

-- name: read_all_prices
SELECT * FROM txhub.prices

-- name: clear_all_prices
DELETE FROM txhub.prices

-- name: read_all_labels
SELECT * FROM txhub.labels

-- name: clear_all_labels
DELETE FROM txhub.labels

-- name: read_all_policies
SELECT * FROM txhub.policies

-- name: clear_all_policies
DELETE FROM txhub.policies

-- name: read_all_reorgs
SELECT * FROM txhub.reorgs

-- name: clear_all_reorgs
DELETE FROM txhub.reorgs

-- name: read_all_orphans
SELECT * FROM txhub.orphans

-- name: clear_all_orphans
DELETE FROM txhub.orphans

-- name: read_all_orphan_transactions
SELECT * FROM txhub.orphan_transactions

-- name: clear_all_orphan_transactions
DELETE FROM txhub.orphan_transactions

-- name: read_all_orphan_token_transfers
SELECT * FROM txhub.orphan_token_transfers

-- name: clear_all_orphan_token_transfers
DELETE FROM txhub.orphan_token_transfers

-- name: read_all_orphan_utxo_io
SELECT * FROM txhub.orphan_utxo_io

-- name: clear_all_orphan_utxo_io
DELETE FROM txhub.orphan_utxo_io

-- name: read_all_event_log
SELECT * FROM txhub.event_log

-- name: clear_all_event_log
DELETE FROM txhub.event_log

-- name: read_all_findings
SELECT * FROM txhub.findings

-- name: clear_all_findings
DELETE FROM txhub.findings

-- name: read_all_screenings
SELECT * FROM txhub.screenings

-- name: clear_all_screenings
DELETE FROM txhub.screenings

-- name: read_all_exposures
SELECT * FROM txhub.exposures

-- name: clear_all_exposures
DELETE FROM txhub.exposures

-- name: read_all_rules
SELECT * FROM txhub.rules

-- name: clear_all_rules
DELETE FROM txhub.rules

-- name: read_all_rule_versions
SELECT * FROM txhub.rule_versions

-- name: clear_all_rule_versions
DELETE FROM txhub.rule_versions

-- name: read_all_alerts
SELECT * FROM txhub.alerts

-- name: clear_all_alerts
DELETE FROM txhub.alerts

-- name: read_all_alert_parties
SELECT * FROM txhub.alert_parties

-- name: clear_all_alert_parties
DELETE FROM txhub.alert_parties

-- name: read_all_alert_events
SELECT * FROM txhub.alert_events

-- name: clear_all_alert_events
-- Its rows cannot be deleted, since it only grows.
TRUNCATE txhub.alert_events

-- name: read_all_deliveries
SELECT * FROM txhub.deliveries

-- name: clear_all_deliveries
DELETE FROM txhub.deliveries

-- name: read_all_delivery_alerts
SELECT * FROM txhub.delivery_alerts

-- name: clear_all_delivery_alerts
DELETE FROM txhub.delivery_alerts

-- name: read_all_delivery_attempts
SELECT * FROM txhub.delivery_attempts

-- name: clear_all_delivery_attempts
DELETE FROM txhub.delivery_attempts

-- name: read_all_models
SELECT * FROM txhub.models

-- name: clear_all_models
DELETE FROM txhub.models

-- name: read_all_anomalies
SELECT * FROM txhub.anomalies

-- name: clear_all_anomalies
DELETE FROM txhub.anomalies

-- name: continue_ids
-- New ids go on where the copied rows end.
SELECT setval(pg_get_serial_sequence('txhub.reorgs', 'id'), coalesce((SELECT max(id) FROM txhub.reorgs), 0) + 1, false),
       setval(pg_get_serial_sequence('txhub.labels', 'id'), coalesce((SELECT max(id) FROM txhub.labels), 0) + 1, false),
       setval(pg_get_serial_sequence('txhub.event_log', 'id'), coalesce((SELECT max(id) FROM txhub.event_log), 0) + 1, false),
       setval(pg_get_serial_sequence('txhub.findings', 'id'), coalesce((SELECT max(id) FROM txhub.findings), 0) + 1, false),
       setval(pg_get_serial_sequence('txhub.screenings', 'id'), coalesce((SELECT max(id) FROM txhub.screenings), 0) + 1, false),
       setval(pg_get_serial_sequence('txhub.exposures', 'id'), coalesce((SELECT max(id) FROM txhub.exposures), 0) + 1, false),
       setval(pg_get_serial_sequence('txhub.rules', 'id'), coalesce((SELECT max(id) FROM txhub.rules), 0) + 1, false),
       setval(pg_get_serial_sequence('txhub.alerts', 'id'), coalesce((SELECT max(id) FROM txhub.alerts), 0) + 1, false),
       setval(pg_get_serial_sequence('txhub.alert_events', 'id'), coalesce((SELECT max(id) FROM txhub.alert_events), 0) + 1, false),
       setval(pg_get_serial_sequence('txhub.deliveries', 'id'), coalesce((SELECT max(id) FROM txhub.deliveries), 0) + 1, false),
       setval(pg_get_serial_sequence('txhub.models', 'id'), coalesce((SELECT max(id) FROM txhub.models), 0) + 1, false)

-- name: touch_everything
-- Every hour with blocks has to be closed in the copy.
INSERT INTO txhub_rollup.closed_hours (chain_id, bucket, stale)
SELECT DISTINCT chain_id, date_trunc('hour', time, 'UTC'), true FROM txhub.blocks
ON CONFLICT (chain_id, bucket) DO UPDATE SET stale = true
