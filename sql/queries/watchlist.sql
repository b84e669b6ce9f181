-- Who is watched, as answers have it. ADBC's parameters.

-- name: watched
-- Entries of watchlists up to id $1, the newest first, at most $2: of chain $3 (by name, '' any), of the address $4 (its
-- bytes in hex, '' any), of list $5 ('' any); those that are in force, or with $6 all there ever were.
SELECT l.id, c.name AS chain,
       txhub.address_text(l.address, CASE length(l.address) WHEN 20 THEN 'evm' ELSE 'utxo' END) AS address,
       l.name, l.category, l.country, l.source, l.list_version, l.valid_from, l.valid_to
FROM txhub.labels l
LEFT JOIN txhub.chains c USING (chain_id)
WHERE l.watched AND l.id <= $1
  AND ($3 = '' OR c.name = $3 OR l.chain_id IS NULL)
  AND ($4 = '' OR l.address = decode($4, 'hex'))
  AND ($5 = '' OR l.source = $5)
  AND ($6 OR l.valid_to IS NULL)
ORDER BY l.id DESC
LIMIT $2

-- name: versions
-- The versions of watchlists, the newest first; entries that are kept by hand are one version of their list.
WITH versions AS (
    SELECT source, list_version, min(valid_from) AS valid_from,
           CASE WHEN bool_or(valid_to IS NULL) THEN NULL ELSE max(valid_to) END AS valid_to,
           count(*) FILTER (WHERE valid_to IS NULL OR list_version <> 'by hand') AS addresses
    FROM txhub.labels
    WHERE watched
    GROUP BY source, list_version
), searches AS (
    SELECT source, list_version, sum(cardinality(entered))::bigint AS entered, sum(ended)::bigint AS ended,
           max(id) AS screening_id, max(reached) AS searched_from, bool_and(finished_at IS NOT NULL) AS searched,
           array_agg(id) AS ids
    FROM txhub.screenings
    GROUP BY source, list_version
)
SELECT v.source, v.list_version, v.valid_from, v.valid_to, v.addresses,
       coalesce(s.entered, 0) AS entered, coalesce(s.ended, 0) AS ended, s.screening_id,
       s.searched_from, coalesce(s.searched, false) AS searched,
       (SELECT count(DISTINCT (e.chain_id, e.block_number, e.tx_index))
        FROM txhub.exposures e WHERE e.screening_id = ANY (s.ids)) AS newly_exposed
FROM versions v
LEFT JOIN searches s USING (source, list_version)
ORDER BY v.valid_from DESC, v.source
