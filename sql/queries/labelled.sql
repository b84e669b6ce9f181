-- Labels as answers have them. ADBC's parameters.

-- name: of_addresses
-- Labels in force at $3 of the addresses $1 (their bytes in hex, with commas between) on chain $2.
SELECT l.id, c.name AS chain,
       txhub.address_text(l.address, CASE length(l.address) WHEN 20 THEN 'evm' ELSE 'utxo' END) AS address,
       l.name, l.category, l.country, l.source, l.list_version, l.valid_from, l.valid_to
FROM txhub.labels l
LEFT JOIN txhub.chains c USING (chain_id)
WHERE l.address IN (SELECT decode(hex, 'hex') FROM unnest(string_to_array($1, ',')) AS hex)
  AND (l.chain_id = $2 OR l.chain_id IS NULL)
  AND l.valid_from <= $3 AND (l.valid_to IS NULL OR l.valid_to > $3)
ORDER BY l.address, l.chain_id NULLS LAST, l.valid_from DESC, l.id
LIMIT 1000

-- name: page
-- Labels up to id $1, the newest first, at most $2: of chain $3 (by name) or of every chain, of the address $4 (its bytes
-- in hex), of list $5, of category $6, those in force at $7, or with $8 all there ever were; '' stands for any.
SELECT l.id, c.name AS chain,
       txhub.address_text(l.address, CASE length(l.address) WHEN 20 THEN 'evm' ELSE 'utxo' END) AS address,
       l.name, l.category, l.country, l.source, l.list_version, l.valid_from, l.valid_to
FROM txhub.labels l
LEFT JOIN txhub.chains c USING (chain_id)
WHERE l.id <= $1
  AND ($3 = '' OR c.name = $3 OR l.chain_id IS NULL)
  AND ($4 = '' OR l.address = decode($4, 'hex'))
  AND ($5 = '' OR l.source = $5)
  AND ($6 = '' OR l.category = $6)
  AND ($8 OR (l.valid_from <= $7 AND (l.valid_to IS NULL OR l.valid_to > $7)))
ORDER BY l.id DESC
LIMIT $2
