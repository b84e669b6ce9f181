-- Exposures as screening keeps them. asyncpg's parameters.

-- name: direct
-- Of chain $1 within [$2, $3), of the watched addresses $4 (null: of all).
SELECT chain_id, block_number, block_time, tx_index, hash, address, direction, token_address, via, link_hash, link_time,
       parties, amount, failed
FROM txhub.exposures
WHERE chain_id = $1 AND via IS NULL AND block_time >= $2 AND block_time < $3
  AND ($4::bytea[] IS NULL OR address = ANY ($4))

-- name: indirect
-- Of chain $1 within [$2, $3), of the pairs of watched addresses $4 and intermediates $5.
SELECT e.chain_id, e.block_number, e.block_time, e.tx_index, e.hash, e.address, e.direction, e.token_address, e.via,
       e.link_hash, e.link_time, e.parties, e.amount, e.failed
FROM unnest($4::bytea[], $5::bytea[]) AS pair (address, via)
JOIN txhub.exposures e USING (address, via)
WHERE e.chain_id = $1 AND e.block_time >= $2 AND e.block_time < $3

-- name: remove
DELETE FROM txhub.exposures
WHERE chain_id = $1 AND block_number = $2 AND tx_index = $3 AND address = $4 AND direction = $5
  AND token_address IS NOT DISTINCT FROM $6 AND via IS NOT DISTINCT FROM $7

-- name: put
INSERT INTO txhub.exposures AS e
    (chain_id, block_number, block_time, tx_index, hash, address, direction, token_address, via, link_hash, link_time,
     parties, amount, failed, screening_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (chain_id, block_number, tx_index, address, direction, token_address, via) DO UPDATE
SET block_time = EXCLUDED.block_time, hash = EXCLUDED.hash, link_hash = EXCLUDED.link_hash,
    link_time = EXCLUDED.link_time, parties = EXCLUDED.parties, amount = EXCLUDED.amount, failed = EXCLUDED.failed
