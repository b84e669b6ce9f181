-- What an address did. ADBC's parameters: chain, address, the range's start and end, and the most rows.

-- name: moves
SELECT source, direction, counterparty, token_address, amount::text AS amount, fee::text AS fee, success,
       block_time, block_number, tx_index
FROM txhub.address_moves
WHERE chain_id = $1 AND address = $2 AND block_time >= $3 AND block_time < $4
ORDER BY block_time DESC
LIMIT $5

-- name: exchanged
-- Transactions that it sent or got; what it sent to itself once.
SELECT from_address, to_address, value::text AS value, block_time
FROM (
    (SELECT from_address, to_address, value, block_time FROM txhub.transactions
     WHERE chain_id = $1 AND from_address = $2 AND block_time >= $3 AND block_time < $4
     ORDER BY block_time DESC LIMIT $5)
    UNION ALL
    (SELECT from_address, to_address, value, block_time FROM txhub.transactions
     WHERE chain_id = $1 AND to_address = $2 AND block_time >= $3 AND block_time < $4
       AND from_address IS DISTINCT FROM $2
     ORDER BY block_time DESC LIMIT $5)
) AS sides
ORDER BY block_time DESC
LIMIT $5

-- name: first_seen
SELECT block_time
FROM txhub.address_moves
WHERE chain_id = $1 AND address = $2 AND block_time >= $3 AND block_time < $4
ORDER BY block_time
LIMIT $5

-- name: horizon
SELECT time FROM txhub.horizon

-- name: tokens
-- What is known of the tokens $2 (their addresses in hex, with commas between).
SELECT address, symbol, decimals
FROM txhub.tokens
WHERE chain_id = $1 AND address IN (SELECT decode(hex, 'hex') FROM unnest(string_to_array($2, ',')) AS hex)
