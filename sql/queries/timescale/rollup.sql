-- Continuous aggregates: brought up to date over a range, and kept so by policies of the database.

-- name: refresh
CALL refresh_continuous_aggregate(('txhub_rollup.' || $1)::regclass, $2::timestamptz, $3::timestamptz)

-- name: is_filled
-- Whether the database keeps it up to date already; one that was just made holds nothing yet.
SELECT EXISTS (
    SELECT FROM timescaledb_information.jobs
    WHERE hypertable_schema = 'txhub_rollup' AND hypertable_name = $1
      AND proc_name = 'policy_refresh_continuous_aggregate')

-- name: set_refresh_policy
-- Left alone where it is this one already, and its history with it.
SELECT remove_continuous_aggregate_policy(('txhub_rollup.' || $1)::regclass, if_exists => true),
       add_continuous_aggregate_policy(
           ('txhub_rollup.' || $1)::regclass,
           start_offset => $2::interval, end_offset => $3::interval, schedule_interval => $4::interval)
WHERE NOT EXISTS (
    SELECT FROM timescaledb_information.jobs
    WHERE hypertable_schema = 'txhub_rollup' AND hypertable_name = $1
      AND proc_name = 'policy_refresh_continuous_aggregate'
      AND (config ->> 'start_offset')::interval = $2::interval
      AND (config ->> 'end_offset')::interval = $3::interval
      AND schedule_interval = $4::interval)

-- name: set_chunk_interval
SELECT set_chunk_time_interval(('txhub.' || $1)::regclass, $2::interval)

-- name: columnstore_policy
-- The age at which chunks go to the columnstore; null: there is no such policy.
SELECT (config ->> 'compress_after')::interval
FROM timescaledb_information.jobs
WHERE hypertable_schema = 'txhub' AND hypertable_name = $1 AND proc_name = 'policy_compression'

-- name: drop_columnstore_policy
CALL remove_columnstore_policy(('txhub.' || $1)::regclass, if_exists => true)

-- name: add_columnstore_policy
CALL add_columnstore_policy(('txhub.' || $1)::regclass, after => $2::interval)

-- name: rollup_states
-- Every continuous aggregate: up to where it is materialised (null: nothing is yet), and how its policy does.
SELECT a.view_name AS name,
       (SELECT w FROM _timescaledb_functions.to_timestamp(
            _timescaledb_functions.cagg_watermark(c.mat_hypertable_id)) AS w
        WHERE w > TIMESTAMPTZ '0001-01-01 00:00+00') AS watermark,
       s.last_run_started_at AS last_run,
       s.last_run_status AS last_status,
       s.next_start AS next_run,
       s.total_failures AS failures,
       (SELECT e.err_message FROM timescaledb_information.job_errors e
        WHERE e.job_id = s.job_id ORDER BY e.finish_time DESC LIMIT 1) AS last_error
FROM timescaledb_information.continuous_aggregates a
JOIN _timescaledb_catalog.continuous_agg c
    ON c.user_view_schema = a.view_schema AND c.user_view_name = a.view_name
LEFT JOIN timescaledb_information.job_stats s
    ON s.hypertable_schema = a.materialization_hypertable_schema
   AND s.hypertable_name = a.materialization_hypertable_name
WHERE a.view_schema = 'txhub_rollup'

-- name: hypertable_states
-- Each hypertable: its chunks, how many of them are in the columnstore, its size, and what it was in rows before where
-- that is known (what was copied into the columnstore directly never was).
SELECT h.hypertable_name AS name,
       d.time_interval AS chunk_interval,
       (SELECT (j.config ->> 'compress_after')::interval FROM timescaledb_information.jobs j
        WHERE j.hypertable_schema = h.hypertable_schema AND j.hypertable_name = h.hypertable_name
          AND j.proc_name = 'policy_compression') AS compress_after,
       h.num_chunks::bigint AS chunks,
       (SELECT count(*) FROM timescaledb_information.chunks k
        WHERE k.hypertable_schema = h.hypertable_schema AND k.hypertable_name = h.hypertable_name
          AND k.is_compressed) AS columnstore_chunks,
       hypertable_size(format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass) AS bytes,
       (SELECT (sum(s.before_compression_total_bytes) - sum(s.after_compression_total_bytes))::bigint
        FROM hypertable_columnstore_stats(format('%I.%I', h.hypertable_schema, h.hypertable_name)::regclass) s)
           AS saved_bytes
FROM timescaledb_information.hypertables h
JOIN timescaledb_information.dimensions d USING (hypertable_schema, hypertable_name)
WHERE h.hypertable_schema = 'txhub'
