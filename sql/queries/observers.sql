-- The peers of nodes, by country.

-- name: forget
-- asyncpg's parameters: the chain.
DELETE FROM txhub.observers WHERE chain_id = $1

-- name: put
-- asyncpg's parameters: the chain, countries (null: not known), peers in each, when the node was asked.
INSERT INTO txhub.observers (chain_id, country, peer_count, seen_at)
SELECT $1, seen.country, seen.peer_count, $4
FROM unnest($2::text[], $3::int[]) AS seen (country, peer_count)

-- name: observers
-- ADBC's parameters: chain ids with commas.
SELECT country, sum(peer_count)::bigint AS peer_count, min(seen_at) AS seen_at
FROM txhub.observers
WHERE chain_id = ANY (string_to_array($1, ',')::int[])
GROUP BY country
ORDER BY peer_count DESC, country
