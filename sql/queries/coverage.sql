-- What of a chain is committed. ADBC's parameters.

-- name: chains
SELECT c.chain_id, c.name, c.family, c.symbol, c.decimals, c.block_time_s, c.finality_depth, c.large_value, c.demo,
       CASE WHEN $1 THEN (SELECT count(*) FROM txhub.blocks b WHERE b.chain_id = c.chain_id) ELSE 0 END AS blocks,
       first.number AS first_block, last.number AS last_block, first.time AS first_time, last.time AS last_time, c.explorer
FROM txhub.chains c
LEFT JOIN LATERAL (
    SELECT number, time FROM txhub.blocks b WHERE b.chain_id = c.chain_id ORDER BY number LIMIT 1) AS first ON true
LEFT JOIN LATERAL (
    SELECT number, time FROM txhub.blocks b WHERE b.chain_id = c.chain_id ORDER BY number DESC LIMIT 1) AS last ON true
ORDER BY c.name

-- name: edges
-- Of each of the chains $1: the committed blocks just outside of [$2, $3), or the outermost ones inside where there are
-- none outside; how many are held from the one to the other, and how many inside; the time of the oldest block after
-- its number in $4. Chains without any block have no row. Lists are text with commas, which one round trip takes.
SELECT asked.chain_id, found.*
FROM unnest(string_to_array($1, ',')::int[], string_to_array($4, ',')::bigint[]) AS asked (chain_id, final)
CROSS JOIN LATERAL (
    WITH own AS NOT MATERIALIZED (
        SELECT number, time FROM txhub.blocks WHERE chain_id = asked.chain_id
    ), first AS (
        (SELECT * FROM own WHERE time <= $2 ORDER BY time DESC, number DESC LIMIT 1)
        UNION ALL
        (SELECT * FROM own WHERE time > $2 ORDER BY time, number LIMIT 1)
        ORDER BY time LIMIT 1
    ), last AS (
        (SELECT * FROM own WHERE time >= $3 ORDER BY time, number LIMIT 1)
        UNION ALL
        (SELECT * FROM own WHERE time < $3 ORDER BY time DESC, number DESC LIMIT 1)
        ORDER BY time DESC LIMIT 1
    )
    SELECT first.number AS first, last.number AS last, first.time AS first_time, last.time AS last_time,
           (SELECT count(*) FROM own WHERE number BETWEEN first.number AND last.number) AS held,
           (SELECT count(*) FROM own WHERE time >= $2 AND time < $3) AS inside,
           (SELECT time FROM own WHERE number > asked.final ORDER BY number LIMIT 1) AS provisional
    FROM first, last
) AS found

-- name: gaps
-- Runs of numbers within [$2, $3] that are not held, oldest first, and the time between their neighbours.
SELECT number + 1 AS from_block, next - 1 AS to_block, time AS start, next_time AS "end"
FROM (
    SELECT number, time, lead(number) OVER numbers AS next, lead(time) OVER numbers AS next_time
    FROM txhub.blocks
    WHERE chain_id = $1 AND number BETWEEN $2 AND $3
    WINDOW numbers AS (ORDER BY number)
) AS held
WHERE next > number + 1
ORDER BY number

-- name: committed
-- How many blocks are held in each bucket of $4 seconds within [$2, $3); buckets begin at multiples of it since 1970.
SELECT date_bin(make_interval(secs => $4), time, TIMESTAMPTZ '1970-01-01T00:00:00Z') AS start, count(*) AS blocks
FROM txhub.blocks
WHERE chain_id = $1 AND time >= $2 AND time < $3
GROUP BY 1

-- name: streams
-- The newest block of each chain, and what its follower says.
SELECT c.name AS chain, c.block_time_s, c.follow_from, b.number AS last_block, b.time AS last_time, b.committed_at,
       s.state, s.reason, s.endpoint, s.head_number AS head, s.changed_at AS since, s.updated_at AS told_at
FROM txhub.chains c
LEFT JOIN txhub.streams s USING (chain_id)
LEFT JOIN LATERAL (
    SELECT number, time, committed_at FROM txhub.blocks b WHERE b.chain_id = c.chain_id
    ORDER BY number DESC LIMIT 1) AS b ON true
ORDER BY c.name
