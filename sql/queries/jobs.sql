-- Work that takes longer than a request. asyncpg's parameters.

-- name: ask
-- Null where $4 jobs wait already.
INSERT INTO txhub.jobs (kind, question, asked_by)
SELECT $1, $2, $3
WHERE (SELECT count(*) FROM txhub.jobs WHERE state IN ('queued', 'running')) < $4
RETURNING id

-- name: take_turn
SELECT pg_advisory_xact_lock(hashtext('txhub jobs'))

-- name: one
SELECT id, kind, state, question, progress, result, error, asked_by, created_at, started_at, ended_at
FROM txhub.jobs
WHERE id = $1

-- name: begin
-- The oldest that waits.
UPDATE txhub.jobs
SET state = 'running', started_at = clock_timestamp()
WHERE id = (SELECT id FROM txhub.jobs WHERE state = 'queued' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, question

-- name: note
UPDATE txhub.jobs SET progress = $2 WHERE id = $1

-- name: done
UPDATE txhub.jobs SET state = 'done', progress = 1, result = $2, ended_at = clock_timestamp() WHERE id = $1

-- name: fail
UPDATE txhub.jobs SET state = 'failed', error = $2, ended_at = clock_timestamp() WHERE id = $1

-- name: give_up
-- What was under way when its worker ended.
UPDATE txhub.jobs SET state = 'failed', error = $1, ended_at = clock_timestamp() WHERE state = 'running'

-- name: forget
DELETE FROM txhub.jobs WHERE ended_at < now() - $1::interval
