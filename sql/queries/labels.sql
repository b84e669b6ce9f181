-- Lists of labelled addresses, by source and version; those that are watched among them. asyncpg's parameters.

-- name: chains
SELECT name, chain_id, family FROM txhub.chains ORDER BY name

-- name: take_turn
-- One change of lists at a time, until its commit: the next one sees what it ended and what it began.
SELECT pg_advisory_xact_lock(hashtext('txhub labels'))

-- name: has_version
SELECT EXISTS (SELECT FROM txhub.labels WHERE source = $1 AND list_version = $2)

-- name: last_change
SELECT max(greatest(valid_from, valid_to)) FROM txhub.labels WHERE source = $1

-- name: keeping
-- How a source's list is kept, by its entries in force: null where it has none.
SELECT bool_or(list_version = 'by hand') AS by_hand, bool_or(watched) AS watched
FROM txhub.labels
WHERE source = $1 AND valid_to IS NULL

-- name: supersede
UPDATE txhub.labels SET valid_to = $2 WHERE source = $1 AND valid_to IS NULL

-- name: lists
SELECT source, list_version, valid_from, valid_to, count(*) AS labels
FROM txhub.labels
WHERE source = $1 OR $1 IS NULL
GROUP BY source, list_version, valid_from, valid_to
ORDER BY source, valid_from

-- name: in_force
SELECT id
FROM txhub.labels
WHERE source = $1 AND address = $2 AND chain_id IS NOT DISTINCT FROM $3 AND watched = $4 AND valid_to IS NULL

-- name: add
INSERT INTO txhub.labels (chain_id, address, name, category, country, source, list_version, valid_from, watched)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
RETURNING id

-- name: find
SELECT source, list_version, watched, address, chain_id, valid_to FROM txhub.labels WHERE id = $1

-- name: entry
SELECT l.id, c.name AS chain,
       txhub.address_text(l.address, CASE length(l.address) WHEN 20 THEN 'evm' ELSE 'utxo' END) AS address,
       l.name, l.category, l.country, l.source, l.list_version, l.valid_from, l.valid_to
FROM txhub.labels l
LEFT JOIN txhub.chains c USING (chain_id)
WHERE l.id = $1

-- name: end
-- An entry that is in force ends now, and when that was: after it began, also where the clock was set back meanwhile.
UPDATE txhub.labels SET valid_to = greatest($2, valid_from + INTERVAL '1 microsecond') WHERE id = $1
RETURNING valid_to

-- name: screen_change
-- After a change at $3 of a watched source that left version $2: history is to be searched for the addresses that no
-- list watched until then. How many were not watched any more, and how many exposures that takes away.
WITH began AS (
    SELECT DISTINCT l.address
    FROM txhub.labels l
    WHERE l.watched AND l.source = $1 AND l.list_version = $2 AND l.valid_from = $3
      AND NOT EXISTS (
          SELECT FROM txhub.labels o
          WHERE o.watched AND o.address = l.address AND (o.chain_id IS NULL OR o.chain_id = l.chain_id)
            AND (o.valid_to IS NULL OR o.valid_to = $3)
            AND NOT (o.source = $1 AND o.list_version = $2 AND o.valid_from = $3))
), ended AS (
    SELECT DISTINCT o.address, o.chain_id
    FROM txhub.labels o
    WHERE o.watched AND o.source = $1 AND o.valid_to = $3
      AND NOT EXISTS (
          SELECT FROM txhub.labels l
          WHERE l.watched AND l.address = o.address AND (l.chain_id IS NULL OR l.chain_id = o.chain_id)
            AND l.valid_to IS NULL)
), change AS (
    INSERT INTO txhub.screenings (source, list_version, entered, ended)
    SELECT $1, $2, coalesce((SELECT array_agg(address ORDER BY address) FROM began), '{}'),
           (SELECT count(DISTINCT address) FROM ended)
    RETURNING cardinality(entered) AS entered, ended
)
SELECT entered, ended,
       (SELECT count(*)
        FROM txhub.exposures e
        WHERE e.block_time < $3
          AND EXISTS (SELECT FROM ended o WHERE o.address = e.address AND (o.chain_id IS NULL OR o.chain_id = e.chain_id))
       ) AS taken_away
FROM change
