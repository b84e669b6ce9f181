-- The twin of timescale/policy_states.sql: here the database runs no policies.

-- name: policies
SELECT ''::text AS name, ''::text AS "table", false AS failed, NULL::timestamptz AS last_success,
       NULL::interval AS every, NULL::text AS error
WHERE false
