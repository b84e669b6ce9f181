-- Sketches of active addresses. ADBC's parameters: chain ids with commas, start, end.

-- name: sketches
SELECT chain, bucket, sketch
FROM txhub.active_1h
WHERE chain_id = ANY (string_to_array($1, ',')::int[]) AND bucket >= $2 AND bucket < $3
ORDER BY bucket
