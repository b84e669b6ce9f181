-- Continuous aggregates: brought up to date over a range, and kept so by policies of the database.

-- name: refresh
CALL refresh_continuous_aggregate(('txhub_rollup.' || $1)::regclass, $2::timestamptz, $3::timestamptz)

-- name: set_refresh_policy
SELECT remove_continuous_aggregate_policy(('txhub_rollup.' || $1)::regclass, if_exists => true),
       add_continuous_aggregate_policy(
           ('txhub_rollup.' || $1)::regclass,
           start_offset => $2::interval, end_offset => $3::interval, schedule_interval => $4::interval)

-- name: set_chunk_interval
SELECT set_chunk_time_interval(('txhub.' || $1)::regclass, $2::interval)

-- name: drop_columnstore_policy
CALL remove_columnstore_policy(('txhub.' || $1)::regclass, if_exists => true)

-- name: add_columnstore_policy
CALL add_columnstore_policy(('txhub.' || $1)::regclass, after => $2::interval)
