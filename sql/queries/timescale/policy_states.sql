-- name: policies
-- Every job that TimescaleDB runs for us: whether it failed last, when it last worked, and the last error.
SELECT j.proc_name || ' ' || j.job_id AS name, coalesce(j.hypertable_name, '') AS "table",
       s.last_run_status IS NOT DISTINCT FROM 'Failed' AS failed,
       nullif(s.last_successful_finish, '-infinity') AS last_success,
       j.schedule_interval AS every,
       (SELECT e.err_message FROM timescaledb_information.job_errors e
        WHERE e.job_id = j.job_id ORDER BY e.finish_time DESC LIMIT 1) AS error
FROM timescaledb_information.jobs j
JOIN timescaledb_information.job_stats s USING (job_id)
WHERE j.scheduled AND j.hypertable_schema IN ('txhub', 'txhub_rollup')
ORDER BY j.job_id
