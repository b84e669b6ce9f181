-- What is wrong, from its beginning to its end. asyncpg's parameters.

-- name: take_turn
SELECT pg_advisory_xact_lock(hashtext('txhub findings'))

-- name: open
SELECT f.id, f.name, c.name AS chain, f.chain_id, f.level, f.since, f.says, f.details::text AS details
FROM txhub.findings f
LEFT JOIN txhub.chains c USING (chain_id)
WHERE f.ended_at IS NULL

-- name: begin
INSERT INTO txhub.findings (name, chain_id, level, since, says, details)
VALUES ($1, (SELECT chain_id FROM txhub.chains WHERE name = $2), $3, $4, $5, $6)
RETURNING chain_id

-- name: go_on
UPDATE txhub.findings SET says = $2, details = $3 WHERE id = $1

-- name: end
UPDATE txhub.findings SET ended_at = $2 WHERE id = $1
