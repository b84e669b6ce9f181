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
