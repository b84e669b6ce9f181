-- The busiest senders, receivers and flows of a range of whole hours: from closed days, from the closed hours beside them, and
-- from the rows themselves since the last closed one. A bound is the most that an address may have beyond what is counted:
-- where it is not among the 500. ADBC's parameters: chain ids with commas, start, end, count|value|largest, limit.

-- name: top_senders
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
), kept AS (
    SELECT true AS of_day, t.* FROM days JOIN txhub_rollup.top_senders_1d t USING (chain_id, bucket)
    UNION ALL
    SELECT false, t.* FROM hours JOIN txhub_rollup.top_senders_1h t USING (chain_id, bucket)
), bounds AS (
    SELECT of_day, chain_id, bucket, count_bound, value_bound FROM kept WHERE address IS NULL
), listed AS (
    SELECT k.chain_id, k.address, k.tx_count, k.value_sum, k.value_max,
           b.count_bound - k.count_bound AS count_known, b.value_bound - k.value_bound AS value_known
    FROM kept k
    LEFT JOIN bounds b USING (of_day, chain_id, bucket)
    WHERE k.address IS NOT NULL
    UNION ALL
    SELECT t.chain_id, t.from_address, count(*), sum(t.value), max(t.value), 0, 0
    FROM tail
    JOIN txhub.transactions t ON t.chain_id = tail.chain_id AND t.block_time >= tail.first_block AND t.block_time < $3
    WHERE t.from_address IS NOT NULL
      AND t.block_time >= (SELECT min(first_block) FROM tail)
    GROUP BY 1, 2
), summed AS (
    SELECT chain_id, address, sum(tx_count)::bigint AS tx_count, sum(value_sum) AS value,
           max(value_max) AS value_max,
           coalesce(sum(count_known), 0)::bigint AS count_known, coalesce(sum(value_known), 0) AS value_known
    FROM listed
    GROUP BY 1, 2
), unlisted AS (
    SELECT chain_id, sum(count_bound)::bigint AS count_bound, sum(value_bound) AS value_bound FROM bounds GROUP BY 1
)
SELECT c.name AS chain,
       txhub.address_text(s.address, c.family) AS address,
       s.tx_count,
       txhub.to_native(s.value, c.decimals) AS value,
       txhub.to_native(s.value_max, c.decimals) AS value_max,
       c.symbol,
       coalesce(u.count_bound, 0) - s.count_known AS count_bound,
       txhub.to_native(coalesce(u.value_bound, 0) - s.value_known, c.decimals) AS value_bound
FROM summed s
JOIN txhub.chains c USING (chain_id)
LEFT JOIN unlisted u USING (chain_id)
ORDER BY CASE $4 WHEN 'count' THEN s.tx_count::numeric WHEN 'value' THEN txhub.to_native(s.value, c.decimals)
                 ELSE txhub.to_native(s.value_max, c.decimals) END DESC,
         s.tx_count DESC, s.address
LIMIT $5::int

-- name: top_receivers
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
), kept AS (
    SELECT true AS of_day, t.* FROM days JOIN txhub_rollup.top_receivers_1d t USING (chain_id, bucket)
    UNION ALL
    SELECT false, t.* FROM hours JOIN txhub_rollup.top_receivers_1h t USING (chain_id, bucket)
), bounds AS (
    SELECT of_day, chain_id, bucket, count_bound, value_bound FROM kept WHERE address IS NULL
), listed AS (
    SELECT k.chain_id, k.address, k.tx_count, k.value_sum, k.value_max,
           b.count_bound - k.count_bound AS count_known, b.value_bound - k.value_bound AS value_known
    FROM kept k
    LEFT JOIN bounds b USING (of_day, chain_id, bucket)
    WHERE k.address IS NOT NULL
    UNION ALL
    SELECT t.chain_id, t.to_address, count(*), sum(t.value), max(t.value), 0, 0
    FROM tail
    JOIN txhub.transactions t ON t.chain_id = tail.chain_id AND t.block_time >= tail.first_block AND t.block_time < $3
    WHERE t.to_address IS NOT NULL
      AND t.block_time >= (SELECT min(first_block) FROM tail)
    GROUP BY 1, 2
), summed AS (
    SELECT chain_id, address, sum(tx_count)::bigint AS tx_count, sum(value_sum) AS value,
           max(value_max) AS value_max,
           coalesce(sum(count_known), 0)::bigint AS count_known, coalesce(sum(value_known), 0) AS value_known
    FROM listed
    GROUP BY 1, 2
), unlisted AS (
    SELECT chain_id, sum(count_bound)::bigint AS count_bound, sum(value_bound) AS value_bound FROM bounds GROUP BY 1
)
SELECT c.name AS chain,
       txhub.address_text(s.address, c.family) AS address,
       s.tx_count,
       txhub.to_native(s.value, c.decimals) AS value,
       txhub.to_native(s.value_max, c.decimals) AS value_max,
       c.symbol,
       coalesce(u.count_bound, 0) - s.count_known AS count_bound,
       txhub.to_native(coalesce(u.value_bound, 0) - s.value_known, c.decimals) AS value_bound
FROM summed s
JOIN txhub.chains c USING (chain_id)
LEFT JOIN unlisted u USING (chain_id)
ORDER BY CASE $4 WHEN 'count' THEN s.tx_count::numeric WHEN 'value' THEN txhub.to_native(s.value, c.decimals)
                 ELSE txhub.to_native(s.value_max, c.decimals) END DESC,
         s.tx_count DESC, s.address
LIMIT $5::int

-- name: top_flows
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
), kept AS (
    SELECT true AS of_day, t.* FROM days JOIN txhub_rollup.top_flows_1d t USING (chain_id, bucket)
    UNION ALL
    SELECT false, t.* FROM hours JOIN txhub_rollup.top_flows_1h t USING (chain_id, bucket)
), bounds AS (
    SELECT of_day, chain_id, bucket, count_bound, value_bound FROM kept WHERE from_address IS NULL
), listed AS (
    SELECT k.chain_id, k.from_address, k.to_address, k.tx_count, k.value_sum, k.value_max,
           b.count_bound - k.count_bound AS count_known, b.value_bound - k.value_bound AS value_known
    FROM kept k
    LEFT JOIN bounds b USING (of_day, chain_id, bucket)
    WHERE k.from_address IS NOT NULL
    UNION ALL
    SELECT t.chain_id, t.from_address, t.to_address, count(*), sum(t.value), max(t.value), 0, 0
    FROM tail
    JOIN txhub.transactions t ON t.chain_id = tail.chain_id AND t.block_time >= tail.first_block AND t.block_time < $3
    WHERE t.from_address IS NOT NULL AND t.to_address IS NOT NULL
      AND t.block_time >= (SELECT min(first_block) FROM tail)
    GROUP BY 1, 2, 3
), summed AS (
    SELECT chain_id, from_address, to_address, sum(tx_count)::bigint AS tx_count, sum(value_sum) AS value,
           max(value_max) AS value_max,
           coalesce(sum(count_known), 0)::bigint AS count_known, coalesce(sum(value_known), 0) AS value_known
    FROM listed
    GROUP BY 1, 2, 3
), unlisted AS (
    SELECT chain_id, sum(count_bound)::bigint AS count_bound, sum(value_bound) AS value_bound FROM bounds GROUP BY 1
)
SELECT c.name AS chain,
       txhub.address_text(s.from_address, c.family) AS from_address,
       txhub.address_text(s.to_address, c.family) AS to_address,
       s.tx_count,
       txhub.to_native(s.value, c.decimals) AS value,
       txhub.to_native(s.value_max, c.decimals) AS value_max,
       c.symbol,
       coalesce(u.count_bound, 0) - s.count_known AS count_bound,
       txhub.to_native(coalesce(u.value_bound, 0) - s.value_known, c.decimals) AS value_bound
FROM summed s
JOIN txhub.chains c USING (chain_id)
LEFT JOIN unlisted u USING (chain_id)
ORDER BY CASE $4 WHEN 'count' THEN s.tx_count::numeric WHEN 'value' THEN txhub.to_native(s.value, c.decimals)
                 ELSE txhub.to_native(s.value_max, c.decimals) END DESC,
         s.tx_count DESC, s.from_address, s.to_address
LIMIT $5::int

-- name: hours
-- Of the hours in [$2, $3) that have blocks: how many there are, and how many of them are closed or newer than that.
SELECT count(*) AS hours,
       count(*) FILTER (WHERE a.bucket IS NOT NULL OR h.bucket > newest.bucket) AS counted
FROM txhub_rollup.closed_hours h
LEFT JOIN txhub_rollup.active_1h a USING (chain_id, bucket)
LEFT JOIN LATERAL (
    SELECT max(n.bucket) AS bucket FROM txhub_rollup.closed_hours n
    WHERE n.chain_id = h.chain_id AND NOT n.stale AND n.bucket >= $2 AND n.bucket < $3) AS newest ON true
WHERE h.chain_id = ANY (string_to_array($1, ',')::int[]) AND h.bucket >= $2 AND h.bucket < $3
