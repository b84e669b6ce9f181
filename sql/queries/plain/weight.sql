-- Where the columnstore has transactions: here is none.

-- name: columnstore
SELECT NULL::text AS relation, 0::bigint AS rows WHERE false
