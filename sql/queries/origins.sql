-- Where transactions come from: the busiest senders of closed days, of the closed hours beside them and of the rows since,
-- as in top.sql, by the country of whom their labels name. ADBC's parameters: chain ids with commas, start, end.

-- name: seen
-- What the senders that are known by name sent, by the country of their label in force at $4; those without one by null.
-- Of several labels the one of the chain comes first, then the newest.
WITH asked AS (
    SELECT unnest(string_to_array($1, ',')::int[]) AS chain_id
), tail AS (
    SELECT * FROM txhub_rollup.open_hours(string_to_array($1, ',')::int[], $2, $3)
), days AS (
    SELECT d.chain_id, d.bucket
    FROM asked
    JOIN txhub_rollup.closed_days d USING (chain_id)
    WHERE NOT d.stale AND d.bucket >= $2 AND d.bucket + INTERVAL '1 day' <= $3
), hours AS (
    SELECT h.chain_id, h.bucket
    FROM tail
    JOIN txhub_rollup.closed_hours h ON h.chain_id = tail.chain_id AND h.bucket >= $2 AND h.bucket < tail.start
    WHERE NOT EXISTS (SELECT FROM days d
                      WHERE d.chain_id = h.chain_id AND d.bucket = date_trunc('day', h.bucket, 'UTC'))
), listed AS (
    SELECT t.chain_id, t.address, t.tx_count, t.value_sum
    FROM days JOIN txhub_rollup.top_senders_1d t USING (chain_id, bucket)
    WHERE t.address IS NOT NULL
    UNION ALL
    SELECT t.chain_id, t.address, t.tx_count, t.value_sum
    FROM hours JOIN txhub_rollup.top_senders_1h t USING (chain_id, bucket)
    WHERE t.address IS NOT NULL
    UNION ALL
    SELECT t.chain_id, t.from_address, count(*), sum(t.value)
    FROM tail
    JOIN txhub.transactions t ON t.chain_id = tail.chain_id AND t.block_time >= tail.first_block AND t.block_time < $3
    WHERE t.from_address IS NOT NULL
      AND t.block_time >= (SELECT min(first_block) FROM tail)
    GROUP BY 1, 2
), summed AS (
    SELECT chain_id, address, sum(tx_count)::bigint AS tx_count, sum(value_sum) AS value, count(*) AS rows
    FROM listed
    GROUP BY 1, 2
), labelled AS (
    SELECT DISTINCT ON (s.chain_id, s.address) s.chain_id, s.address, l.country
    FROM summed s
    JOIN txhub.labels l ON l.address = s.address AND (l.chain_id = s.chain_id OR l.chain_id IS NULL)
    WHERE l.country IS NOT NULL AND l.valid_from <= $4 AND (l.valid_to IS NULL OR l.valid_to > $4)
    ORDER BY s.chain_id, s.address, l.chain_id NULLS LAST, l.valid_from DESC, l.id
)
SELECT l.country, count(DISTINCT s.address) AS address_count, sum(s.tx_count)::bigint AS tx_count,
       sum(txhub.to_native(s.value, c.decimals))::text AS value, sum(s.rows)::bigint AS rows_read
FROM summed s
JOIN txhub.chains c USING (chain_id)
LEFT JOIN labelled l USING (chain_id, address)
GROUP BY 1
ORDER BY 3 DESC, 1

-- name: all
-- All transactions of the same hours.
SELECT coalesce(sum(r.tx_count), 0)::bigint AS tx_count,
       coalesce(sum(txhub.to_native(r.value_sum, c.decimals)), 0)::text AS value, count(*) AS rows_read
FROM txhub_rollup.tx_1h r
JOIN txhub.chains c USING (chain_id)
WHERE r.chain_id = ANY (string_to_array($1, ',')::int[]) AND r.bucket >= $2 AND r.bucket < $3
