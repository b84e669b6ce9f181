-- Moves of watched addresses as detection looks at them. ADBC's parameters.

-- name: watched
-- What watched addresses of chain $1 moved within [$2, $3), while a list had them; in order. Between two of them it is a
-- move of the sender; on Bitcoin the other side is the one of the largest value, and change is left out.
WITH lists AS MATERIALIZED (
    SELECT address, range_agg(tstzrange(valid_from, valid_to)) AS spans, min(source) AS list
    FROM txhub.labels
    WHERE watched AND (chain_id = $1 OR chain_id IS NULL)
    GROUP BY address
), moved AS (
    SELECT m.*, l.list
    FROM lists l
    JOIN txhub.address_moves m ON m.address = l.address
    WHERE m.chain_id = $1 AND m.block_time >= $2 AND m.block_time < $3 AND m.amount > 0 AND l.spans @> m.block_time
), told AS (
    SELECT t.block_time, t.block_number, t.tx_index, t.hash, t.kind, m.token_address, m.direction, m.address, m.amount,
           m.list, nullif(coalesce(m.counterparty, CASE m.direction WHEN 'out' THEN t.to_address ELSE t.from_address END),
                          m.address) AS other
    FROM moved m
    JOIN txhub.transactions t USING (chain_id, block_time, block_number, tx_index)
    WHERE t.chain_id = $1 AND t.block_time >= $2 AND t.block_time < $3 AND t.success IS DISTINCT FROM false
      AND NOT (m.direction = 'in' AND m.counterparty IS NULL AND EXISTS (
          SELECT FROM moved o
          WHERE o.block_number = m.block_number AND o.tx_index = m.tx_index AND o.address = m.address
            AND o.direction = 'out'))
)
SELECT e.block_time AS time, e.block_number AS number, e.tx_index AS index,
       (row_number() OVER (PARTITION BY e.block_number, e.tx_index
                           ORDER BY e.address, e.direction, e.token_address NULLS FIRST, e.other, e.amount) - 1)::int AS n,
       e.hash, e.kind::text AS kind, e.token_address AS token,
       CASE e.direction WHEN 'out' THEN e.address ELSE e.other END AS sender,
       CASE e.direction WHEN 'out' THEN e.other ELSE e.address END AS receiver,
       e.amount, e.address AS watched, e.other, e.list, l.address IS NOT NULL AS both
FROM told e
LEFT JOIN lists l ON l.address = e.other AND l.spans @> e.block_time
WHERE NOT (e.direction = 'in' AND l.address IS NOT NULL)
ORDER BY time, number, index, n
