-- Which services are alive. asyncpg's parameters.

-- name: claim
-- Whether this session stands for the service $1 from now on: no other one that lives does.
SELECT pg_try_advisory_lock(hashtext('txhub service'), hashtext($1))

-- name: before
SELECT instance, stopped_at FROM txhub.services WHERE name = $1

-- name: started
INSERT INTO txhub.services (name, version, instance, started_at, seen_at)
VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp())
ON CONFLICT (name) DO UPDATE
SET version = EXCLUDED.version, instance = EXCLUDED.instance, started_at = EXCLUDED.started_at,
    seen_at = EXCLUDED.seen_at, stopped_at = NULL

-- name: seen
UPDATE txhub.services SET seen_at = clock_timestamp() WHERE name = $1

-- name: stopped
UPDATE txhub.services SET seen_at = clock_timestamp(), stopped_at = clock_timestamp() WHERE name = $1

-- name: forget
-- Who has been gone for so long does not come back.
DELETE FROM txhub.services WHERE seen_at < now() - $1::interval
