-- The time below which raw rows are gone. asyncpg's parameters.

-- name: read
SELECT time FROM txhub.horizon

-- name: steady_in_transaction
SELECT txhub_rollup.steady_horizon()

-- name: steady
SELECT pg_advisory_lock_shared(hashtext('txhub horizon'))

-- name: patience
SET LOCAL lock_timeout = '2s'

-- name: claim
SELECT pg_advisory_xact_lock(hashtext('txhub horizon'))
