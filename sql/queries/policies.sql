-- Policies that were set by command. asyncpg's parameters.

-- name: chosen
SELECT hypertable, policy, span FROM txhub.policies

-- name: choose
INSERT INTO txhub.policies (hypertable, policy, span) VALUES ($1, $2, $3)
ON CONFLICT (hypertable, policy) DO UPDATE SET span = EXCLUDED.span
