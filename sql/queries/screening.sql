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

-- name: tell_dated
-- After search $1: an event `watchlist` for each chain on which addresses moved while a list's version that is dated back
-- was not known here. They are those that begin or end with it. In its transaction after the outbox's `take_turn`.
WITH search AS (
    SELECT source, list_version, created_at FROM txhub.screenings WHERE id = $1
), version AS (
    SELECT DISTINCT l.source, l.valid_from AS since
    FROM txhub.labels l
    JOIN search s USING (source, list_version)
    WHERE l.watched AND l.list_version <> 'by hand'
), touched AS (
    SELECT l.address, l.chain_id, v.since
    FROM version v
    JOIN txhub.labels l ON l.source = v.source AND v.since IN (l.valid_from, l.valid_to)
    WHERE l.watched AND NOT EXISTS (
        SELECT FROM txhub.labels o
        WHERE o.watched AND o.id <> l.id AND o.address = l.address AND o.chain_id IS NOT DISTINCT FROM l.chain_id
          AND (o.valid_from <= v.since AND coalesce(o.valid_to >= v.since, true)))
), told AS (
    INSERT INTO txhub.stream_events (event, chain_id, data)
    SELECT 'watchlist', e.chain_id,
           jsonb_build_object('source', s.source, 'list_version', s.list_version,
                              'start', min(e.block_time), 'end', max(e.block_time))
    FROM search s
    CROSS JOIN touched t
    JOIN txhub.exposures e ON e.address = t.address AND (t.chain_id IS NULL OR t.chain_id = e.chain_id)
    WHERE e.via IS NULL AND e.block_time >= t.since AND e.block_time <= s.created_at
    GROUP BY e.chain_id, s.source, s.list_version
    RETURNING id
)
SELECT pg_notify('txhub_events', max(id)::text) FROM told HAVING count(*) > 0
