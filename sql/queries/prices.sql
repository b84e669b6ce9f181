-- What assets were worth. asyncpg's parameters.

-- name: put
INSERT INTO txhub.prices (asset, time, usd, source)
VALUES ($1, $2, $3, $4)
ON CONFLICT (asset, time) DO UPDATE SET usd = EXCLUDED.usd, source = EXCLUDED.source

-- name: newest_time
SELECT max(time) FROM txhub.prices WHERE asset = $1 AND source = $2
