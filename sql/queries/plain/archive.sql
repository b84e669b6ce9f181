-- The twin of timescale/archive.sql. Partitions are days, so every cut will do; commits store the rollups themselves.

-- name: cuts
SELECT cut FROM unnest($1::timestamptz[]) AS cut ORDER BY cut

-- name: policies_reach
SELECT NULL::interval

-- name: rows_not_materialised
SELECT false AND $1::timestamptz IS NULL
