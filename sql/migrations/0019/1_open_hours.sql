-- From when on the busiest of a range have to be counted from rows: the one place that says where closed hours end.

CREATE FUNCTION txhub_rollup.open_hours(chains int[], range_start timestamptz, range_end timestamptz)
RETURNS TABLE (chain_id int, start timestamptz, first_block timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT asked.chain_id, closed.until, coalesce(open.first_block, range_end)
    FROM unnest(chains) AS asked (chain_id)
    CROSS JOIN LATERAL (
        SELECT greatest(range_start, coalesce(max(h.bucket) + INTERVAL '1 hour', range_start)) AS until
        FROM txhub_rollup.closed_hours h
        WHERE h.chain_id = asked.chain_id AND NOT h.stale AND h.bucket >= range_start AND h.bucket < range_end
    ) AS closed
    CROSS JOIN LATERAL (
        SELECT min(b.time) AS first_block
        FROM txhub.blocks b
        WHERE b.chain_id = asked.chain_id AND b.time >= closed.until AND b.time < range_end
    ) AS open
$$;
COMMENT ON FUNCTION txhub_rollup.open_hours IS
    'For each chain, within a range of whole hours: when its last closed hour ends, and the time of the first block since (the end of the range where there is none), so that a chain with few rows has only those read.';
