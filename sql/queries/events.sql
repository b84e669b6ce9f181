-- The event log. ADBC's parameters; an empty text stands for all.

-- name: events
-- The newest up to id $7 of [$5, $6): of the chains $1, components $2, events $3 and levels $4, with commas between.
SELECT e.id, e.time, e.level, e.component, c.name AS chain, e.event, e.details::text AS details
FROM txhub.event_log e
LEFT JOIN txhub.chains c USING (chain_id)
WHERE ($1 = '' OR c.name = ANY (string_to_array($1, ',')))
  AND ($2 = '' OR e.component = ANY (string_to_array($2, ',')))
  AND ($3 = '' OR e.event = ANY (string_to_array($3, ',')))
  AND ($4 = '' OR e.level = ANY (string_to_array($4, ',')))
  AND e.time >= $5 AND e.time < $6 AND e.id <= $7
ORDER BY e.id DESC
LIMIT $8
