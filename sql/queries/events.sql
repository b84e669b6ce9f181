-- The event log. ADBC's parameters; an empty text stands for all.

-- name: events
-- The newest before id $6 of [$4, $5): of the chains, levels, components and events that $1, $7, $2, $3 list.
SELECT e.id, e.time, e.level, e.component, c.name AS chain, e.event, e.details::text AS details
FROM txhub.event_log e
LEFT JOIN txhub.chains c USING (chain_id)
WHERE ($1 = '' OR c.name = ANY (string_to_array($1, ',')))
  AND ($2 = '' OR e.component = ANY (string_to_array($2, ',')))
  AND ($3 = '' OR e.event = ANY (string_to_array($3, ',')))
  AND e.time >= $4 AND e.time < $5 AND e.id < $6
  AND ($7 = '' OR e.level = ANY (string_to_array($7, ',')))
ORDER BY e.id DESC
LIMIT $8
