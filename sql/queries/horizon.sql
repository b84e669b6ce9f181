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

-- name: move
-- Raw rows are whole from the day after the last one of which some are gone.
UPDATE txhub.horizon
SET time = (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM txhub.archive_manifest
            WHERE dropped_at IS NOT NULL AND restored_at IS NULL)
