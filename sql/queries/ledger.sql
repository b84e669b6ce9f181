-- The commit of blocks, and what is asked of the ledger. asyncpg's parameters.

-- name: register_chain
INSERT INTO txhub.chains AS c
    (chain_id, name, family, symbol, decimals, block_time_s, finality_depth, large_value, demo, explorer)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (chain_id) DO UPDATE
SET name = EXCLUDED.name,
    symbol = EXCLUDED.symbol,
    block_time_s = EXCLUDED.block_time_s,
    finality_depth = EXCLUDED.finality_depth,
    large_value = EXCLUDED.large_value,
    demo = EXCLUDED.demo,
    explorer = EXCLUDED.explorer
WHERE c.family = EXCLUDED.family AND c.decimals = EXCLUDED.decimals
RETURNING chain_id

-- name: insert_blocks
-- In order of number, so that two commits of the same blocks wait for each other and never deadlock. A number that
-- does not come back is, or is about to be, committed by somebody else.
INSERT INTO txhub.blocks
    (chain_id, number, hash, parent_hash, time, tx_count, dropped_count, gas_used, gas_limit, base_fee, size)
SELECT $1, b.*
FROM unnest($2::bigint[], $3::bytea[], $4::bytea[], $5::timestamptz[], $6::int[], $7::int[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::int[])
    AS b (number, hash, parent_hash, time, tx_count, dropped_count, gas_used, gas_limit, base_fee, size)
ORDER BY b.number
ON CONFLICT DO NOTHING
RETURNING number

-- name: links
SELECT number, hash, parent_hash FROM txhub.blocks WHERE chain_id = $1 AND number = ANY ($2)

-- name: hashes
SELECT number, hash FROM txhub.blocks WHERE chain_id = $1 AND number BETWEEN $2 AND $3

-- name: newest_below
SELECT number, hash, time FROM txhub.blocks WHERE chain_id = $1 AND number < $2 ORDER BY number DESC LIMIT 1

-- name: make_room
SELECT txhub_rollup.make_room($1, $2)

-- name: before_copy
SELECT txhub_rollup.before_copy($1)

-- name: after_copy
SELECT txhub_rollup.after_copy($1, $2, $3, $4), txhub_rollup.add_hours($1, $2, $3, $4)

-- name: take_turn
-- Held until the commit that follows, so that event ids become visible in their order and no cursor skips one.
SELECT pg_advisory_xact_lock(hashtext('txhub stream_events'))

-- name: append_events
WITH appended AS (
    INSERT INTO txhub.stream_events (event, chain_id, data)
    SELECT $1, $2, unnest($3::jsonb[])
    RETURNING id
)
SELECT pg_notify('txhub_events', max(id)::text) FROM appended

-- name: try_to_follow
SELECT pg_try_advisory_lock(hashtext('txhub follower'), $1)

-- name: turn_to_follow
SELECT pg_advisory_lock(hashtext('txhub follower'), $1)

-- name: tip
SELECT number, hash, time FROM txhub.blocks WHERE chain_id = $1 ORDER BY number DESC LIMIT 1

-- name: follow_from
-- The first block from which on nothing may be missing; it only ever moves back.
UPDATE txhub.chains SET follow_from = least(follow_from, $2) WHERE chain_id = $1 RETURNING follow_from

-- name: missing
-- Runs of numbers within [$2, $3] that the ledger does not hold, newest first.
SELECT first, last
FROM (
    SELECT coalesce(lag(number) OVER (ORDER BY number), $2 - 1) + 1 AS first, number - 1 AS last
    FROM (
        SELECT number FROM txhub.blocks WHERE chain_id = $1 AND number BETWEEN $2 AND $3
        UNION ALL
        SELECT $3 + 1
    ) AS held
) AS runs
WHERE first <= last
ORDER BY first DESC
LIMIT $4

-- name: set_stream
-- Nothing for a chain that is not registered yet.
INSERT INTO txhub.streams AS s (chain_id, state, reason, endpoint, head_number)
SELECT chain_id, $2, $3, $4, $5 FROM txhub.chains WHERE chain_id = $1
ON CONFLICT (chain_id) DO UPDATE
SET changed_at = CASE WHEN s.state = EXCLUDED.state THEN s.changed_at ELSE EXCLUDED.changed_at END,
    updated_at = EXCLUDED.updated_at,
    state = EXCLUDED.state,
    reason = EXCLUDED.reason,
    endpoint = coalesce(EXCLUDED.endpoint, s.endpoint),
    head_number = coalesce(EXCLUDED.head_number, s.head_number)

-- name: record_event
INSERT INTO txhub.event_log (level, component, chain_id, event, details) VALUES ($1, $2, $3, $4, $5)

-- name: newest_blocks
SELECT c.name, c.block_time_s, tip.number, tip.time
FROM txhub.chains c
CROSS JOIN LATERAL (
    SELECT number, time FROM txhub.blocks b WHERE b.chain_id = c.chain_id ORDER BY number DESC LIMIT 1
) AS tip
ORDER BY c.name
