-- What is missing of the chains that are followed. asyncpg's parameters.

-- name: known
SELECT EXISTS (SELECT FROM txhub.chains WHERE name = $1)

-- name: gaps
-- Runs of numbers from the promised first block on to the newest that are not held, newest first, of one chain or
-- of all; the times of the blocks on both sides, and why a block of the run was refused last.
WITH refused AS MATERIALIZED (
    SELECT DISTINCT ON (chain_id, number) chain_id, number, id, reason
    FROM txhub.event_log,
         LATERAL (SELECT details ->> 'reason' AS reason) AS said,
         LATERAL (SELECT substring(reason FROM 'block (\d{1,18})')::bigint AS number) AS named
    WHERE event = 'block_refused'
    ORDER BY chain_id, number, id DESC
)
SELECT missing.name AS chain, missing.first, missing.last, missing.since, missing.until,
       (SELECT r.reason
        FROM refused r
        WHERE r.chain_id = missing.chain_id AND r.number BETWEEN missing.first AND missing.last
        ORDER BY r.id DESC
        LIMIT 1) AS reason
FROM (
    SELECT c.chain_id, c.name, b.number - 1 AS last, b.time AS until,
           coalesce(lag(b.number) OVER numbers + 1, c.follow_from) AS first,
           lag(b.time) OVER numbers AS since
    FROM txhub.chains c
    JOIN txhub.blocks b ON b.chain_id = c.chain_id AND b.number >= c.follow_from
    WHERE c.name = coalesce($1, c.name)
    WINDOW numbers AS (PARTITION BY c.chain_id ORDER BY b.number)
) AS missing
WHERE missing.first <= missing.last
ORDER BY missing.name, missing.first DESC
LIMIT $2

-- name: promised
-- From which block on nothing may be missing, and up to which; null for a chain that is not followed.
SELECT c.follow_from AS first, max(b.number) AS last
FROM txhub.chains c
JOIN txhub.blocks b USING (chain_id)
WHERE c.chain_id = $1
GROUP BY c.follow_from

-- name: overdue
-- Of a chain, the runs that lie deeper than its finality and that its follower did not fill for longer than $2;
-- none while it is loading older blocks.
SELECT missing.first, missing.last
FROM (
    SELECT b.number - 1 AS last, b.time AS until,
           coalesce(lag(b.number) OVER numbers + 1, c.follow_from) AS first,
           max(b.number) OVER () - c.finality_depth AS final
    FROM txhub.chains c
    JOIN txhub.blocks b ON b.chain_id = c.chain_id AND b.number >= c.follow_from
    WHERE c.chain_id = $1
      AND NOT EXISTS (
          SELECT FROM txhub.streams s
          WHERE s.chain_id = c.chain_id AND s.state = 'catching_up' AND s.updated_at > now() - INTERVAL '1 minute')
    WINDOW numbers AS (ORDER BY b.number)
) AS missing
WHERE missing.first <= missing.last AND missing.last < missing.final AND missing.until < now() - $2::interval
ORDER BY missing.first DESC
LIMIT $3

-- name: unfollow
-- Of a chain that nobody follows now, forget the promise and what its last follower said; a row if so.
WITH free AS (
    SELECT chain_id FROM txhub.chains
    WHERE name = $1 AND pg_try_advisory_xact_lock(hashtext('txhub follower'), chain_id)
), silent AS (
    DELETE FROM txhub.streams s USING free WHERE s.chain_id = free.chain_id
)
UPDATE txhub.chains c SET follow_from = NULL FROM free WHERE c.chain_id = free.chain_id RETURNING c.chain_id
