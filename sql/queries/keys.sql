-- Keys of the API. asyncpg's parameters; what servers check against is read by ADBC.

-- name: create
-- Nothing where a key of this name is in force.
INSERT INTO txhub_access.keys (name, role, requests_per_minute, digest)
VALUES ($1, $2, $3, $4)
ON CONFLICT (name) WHERE revoked_at IS NULL DO NOTHING
RETURNING id

-- name: list
SELECT id, name, role, requests_per_minute, created_at, revoked_at FROM txhub_access.keys ORDER BY id

-- name: revoke
UPDATE txhub_access.keys SET revoked_at = now() WHERE name = $1 AND revoked_at IS NULL RETURNING id

-- name: in_force
SELECT id, name, role, requests_per_minute, digest FROM txhub_access.keys WHERE revoked_at IS NULL ORDER BY id
