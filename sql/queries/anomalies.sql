-- What is out of the usual: alerts of some patterns, as charts annotate them. ADBC's parameters.

-- name: anomalies
-- Those that touch [$3, $4), of chains and patterns that $1 and $2 list with commas between, the newest first, after the
-- place ($5, $6). What tells no end is a moment; nothing goes on for longer than 31 days.
SELECT a.id, a.pattern AS kind, c.name AS chain, a.subject, a.started_at AS start, span."end",
       a.severity::text AS severity, a.title, (a.details->>'expected')::float8 AS expected,
       (a.details->>'seen')::float8 AS seen,
       (coalesce(a.details->'peak'->'factor', a.details->'factor')#>>'{}')::float8 AS factor,
       (a.details->>'score')::float8 AS score, a.details->>'unit' AS unit, a.rule, a.test, a.chain_state
FROM txhub.alerts a
JOIN txhub.chains c USING (chain_id)
CROSS JOIN LATERAL (
    SELECT CASE WHEN a.details ? 'until' THEN (a.details->>'until')::timestamptz ELSE a.started_at END AS "end"
) AS span
WHERE a.chain_id = ANY (string_to_array($1, ',')::int[])
  AND a.pattern = ANY (string_to_array($2, ','))
  AND a.chain_state <> 'retracted'
  AND a.started_at >= $3::timestamptz - INTERVAL '31 days' AND a.started_at < $4
  AND coalesce(span."end", 'infinity') >= $3
  AND (a.started_at, a.id) < ($5::timestamptz, $6::bigint)
ORDER BY a.started_at DESC, a.id DESC
LIMIT $7
