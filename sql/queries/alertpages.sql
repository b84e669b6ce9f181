-- Alerts as answers and messages have them. Parameters that ADBC and asyncpg both take.

-- name: shown
-- Those whose ids $1 lists with commas between, the newest first; labels are those in force at $2.
SELECT a.id, a.rule, a.rule_version, a.pattern, c.name AS chain, a.subject, a.started_at, a.severity::text AS severity,
       a.title, a.details::text AS details, a.block_number, txhub.hash_text(a.hash, c.family) AS hash,
       txhub.to_native(a.value, c.decimals)::text AS value, a.value_usd::text AS value_usd, c.symbol, a.test, a.chain_state, a.case_state,
       a.assignee, a.quiet, a.created_at, a.updated_at, coalesce(parties.shown, '[]'::jsonb)::text AS parties
FROM txhub.alerts a
LEFT JOIN txhub.chains c USING (chain_id)
LEFT JOIN LATERAL (
    SELECT jsonb_agg(
               jsonb_build_object(
                   'address', txhub.address_text(p.address, pc.family),
                   'role', p.role,
                   'labels', coalesce(known.names, '[]'::jsonb)
               )
               ORDER BY array_position(ARRAY['subject', 'sender', 'receiver', 'listed', 'intermediate'], p.role), p.address
           ) AS shown
    FROM txhub.alert_parties p
    JOIN txhub.chains pc ON pc.chain_id = p.chain_id
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(DISTINCT l.name) AS names
        FROM txhub.labels l
        WHERE l.address = p.address
          AND (l.chain_id = p.chain_id OR l.chain_id IS NULL)
          AND l.valid_from <= $2 AND (l.valid_to IS NULL OR l.valid_to > $2)
    ) AS known ON true
    WHERE p.alert_id = a.id
) AS parties ON true
WHERE a.id = ANY (string_to_array($1, ',')::bigint[])
ORDER BY a.started_at DESC, a.id DESC

-- name: history
SELECT id, time, actor, event, details::text AS details FROM txhub.alert_events WHERE alert_id = $1 ORDER BY id
