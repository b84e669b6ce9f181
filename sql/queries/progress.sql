-- How far the load of a chain's history is.

-- name: history
-- For each of the chains: blocks expected since follow_from, committed, and the same of the newest hour.
SELECT c.name,
       (tip.number - c.follow_from + 1)::bigint AS expected,
       (SELECT count(*) FROM txhub.blocks b
        WHERE b.chain_id = c.chain_id AND b.number BETWEEN c.follow_from AND tip.number) AS committed,
       hour.expected AS hour_expected,
       (SELECT count(*) FROM txhub.blocks b
        WHERE b.chain_id = c.chain_id AND b.number > tip.number - hour.expected AND b.number <= tip.number)
           AS hour_committed
FROM txhub.chains c
CROSS JOIN LATERAL (
    SELECT number FROM txhub.blocks b WHERE b.chain_id = c.chain_id ORDER BY number DESC LIMIT 1
) AS tip
CROSS JOIN LATERAL (
    SELECT least(ceil(3600 / c.block_time_s), tip.number - c.follow_from + 1)::bigint AS expected
) AS hour
WHERE c.name = ANY ($1)
