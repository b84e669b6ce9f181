-- What is to be screened. asyncpg's parameters.

-- name: unread
-- What the outbox's reader $1 has not seen, oldest first: the span of time of each event's blocks.
SELECT e.id, e.chain_id, e.event = 'reorg' AS replaced,
       least((e.data ->> 'start')::timestamptz, (e.data ->> 'time')::timestamptz) AS first,
       greatest((e.data ->> 'end')::timestamptz, (e.data ->> 'time')::timestamptz) AS last
FROM txhub.stream_events e
WHERE e.id > coalesce((SELECT event_id FROM txhub.cursors WHERE reader = $1), 0)
  AND e.event IN ('block', 'backfill', 'reorg')
ORDER BY e.id
LIMIT $2

-- name: chains
SELECT chain_id, name, family FROM txhub.chains ORDER BY name

-- name: watched
-- Every address that is on a watchlist, or was: what lists make of its moves is the view's.
SELECT DISTINCT address FROM txhub.labels WHERE watched AND (chain_id IS NULL OR chain_id = $1)

-- name: next_search
SELECT id, source, list_version, entered, reached FROM txhub.screenings WHERE finished_at IS NULL ORDER BY id LIMIT 1

-- name: request_search
INSERT INTO txhub.screenings (source, list_version, entered, ended)
SELECT 'every list', 'again', array_agg(DISTINCT address), 0
FROM txhub.labels
WHERE watched
HAVING count(*) > 0

-- name: newest_before
-- The time of the newest block of all chains before $1 (null: of all).
SELECT max(b.time)
FROM txhub.chains c
CROSS JOIN LATERAL (
    SELECT time FROM txhub.blocks
    WHERE chain_id = c.chain_id AND ($1::timestamptz IS NULL OR time < $1)
    ORDER BY time DESC
    LIMIT 1
) AS b

-- name: reach
UPDATE txhub.screenings SET reached = $2 WHERE id = $1

-- name: claim
-- Blocks that were committed before the list changed are history, also where the outbox told of them afterwards.
UPDATE txhub.exposures e
SET screening_id = s.id
FROM txhub.screenings s
WHERE s.id = $1 AND e.screening_id IS NULL AND e.address = ANY (s.entered)
  AND EXISTS (SELECT FROM txhub.blocks b
              WHERE b.chain_id = e.chain_id AND b.number = e.block_number AND b.committed_at < s.created_at)

-- name: finish
WITH finished AS (
    UPDATE txhub.screenings SET finished_at = clock_timestamp() WHERE id = $1
    RETURNING cardinality(entered) AS addresses
)
SELECT addresses,
       (SELECT count(DISTINCT (chain_id, block_number, tx_index)) FROM txhub.exposures WHERE screening_id = $1)
           AS newly_exposed
FROM finished
