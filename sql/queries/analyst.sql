-- The analysts' role and what it may read. `txhub db migrate` runs `make_roles` and `admit` in every database; `close` is
-- for a superuser, and run in every private cluster.
--
-- txhub_analyst is who people log in as, or are members of. txhub_analyst_lane has the same rights, and owns the function
-- that answers statements of `txhub sql` and POST /v1/sql. Nobody but the API is a member of it: members own its function.

-- name: make_roles
DO $$
BEGIN
    IF to_regrole('txhub_analyst_lane') IS NULL THEN
        CREATE ROLE txhub_analyst NOLOGIN;
        ALTER ROLE txhub_analyst SET default_transaction_read_only = on;
        ALTER ROLE txhub_analyst SET statement_timeout = '5min';
        ALTER ROLE txhub_analyst SET idle_in_transaction_session_timeout = '10min';
        CREATE ROLE txhub_analyst_lane NOLOGIN IN ROLE txhub_analyst;
        GRANT txhub_analyst, txhub_analyst_lane TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
    END IF;
EXCEPTION
    -- The migration of another database of this server was faster.
    WHEN duplicate_object OR unique_violation THEN NULL;
END $$;

-- name: admit
GRANT USAGE ON SCHEMA txhub TO txhub_analyst;
GRANT SELECT ON
    txhub.chains, txhub.blocks, txhub.transactions, txhub.token_transfers, txhub.utxo_io,
    txhub.transactions_view, txhub.address_moves,
    txhub.tx_1m, txhub.tx_1h, txhub.tx_1d, txhub.chain_1m, txhub.peaks_1h, txhub.value_hist_1h, txhub.token_1h,
    txhub.top_senders_1h, txhub.top_receivers_1h, txhub.top_flows_1h, txhub.active_1h,
    txhub.top_senders_1d, txhub.top_receivers_1d, txhub.top_flows_1d,
    txhub.tokens, txhub.prices, txhub.labels, txhub.observers, txhub.screenings, txhub.exposures, txhub.exposures_view,
    txhub.reorgs, txhub.orphans, txhub.orphan_transactions, txhub.orphan_token_transfers, txhub.orphan_utxo_io,
    txhub.gone_transactions,
    txhub.streams, txhub.horizon, txhub.archive_manifest
    TO txhub_analyst;

DROP FUNCTION IF EXISTS txhub.answer(text, int, bigint);
GRANT CREATE ON SCHEMA txhub TO txhub_analyst_lane;
SET LOCAL ROLE txhub_analyst_lane;
-- With the rights of its owner, which are fewer than its caller's; and while it runs, PostgreSQL lets nobody change the
-- role. A cursor takes one statement, and only one that answers rows.
CREATE FUNCTION txhub.answer(statement text, max_rows int, max_bytes bigint) RETURNS SETOF text[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = txhub, public, pg_temp
    SET cursor_tuple_fraction = 1
    AS $$
DECLARE
    answers refcursor;
    answer record;
    cells text[];
    bytes bigint := 0;
BEGIN
    OPEN answers NO SCROLL FOR EXECUTE statement;
    FOR counted IN 1 .. max_rows LOOP
        FETCH answers INTO answer;
        EXIT WHEN NOT FOUND;
        cells := ARRAY(SELECT value FROM json_each_text(row_to_json(answer)));
        bytes := bytes + pg_column_size(cells);
        IF bytes > max_bytes THEN
            RAISE program_limit_exceeded USING
                MESSAGE = format('the answer is larger than %s MB', max_bytes / 1000000),
                HINT = 'select fewer columns or rows';
        END IF;
        RETURN NEXT cells;
    END LOOP;
    CLOSE answers;
END $$;
COMMENT ON FUNCTION txhub.answer IS
    'The rows of one reading statement, each as the texts of its columns; run with the rights of txhub_analyst.';
REVOKE EXECUTE ON FUNCTION txhub.answer FROM PUBLIC;
GRANT EXECUTE ON FUNCTION txhub.answer TO SESSION_USER;
RESET ROLE;
REVOKE CREATE ON SCHEMA txhub FROM txhub_analyst_lane;

-- name: admitted
SELECT to_regprocedure('txhub.answer(text, int, bigint)') IS NOT NULL

-- name: limit_session
SELECT set_config('statement_timeout', $1, true),
       set_config('lock_timeout', '5s', true),
       set_config('search_path', 'txhub, public, pg_temp', true),
       set_config('bytea_output', 'hex', true),
       set_config('work_mem', '32MB', true)

-- name: answer
SELECT * FROM txhub.answer($1, $2, $3)

-- name: close
DO $$
DECLARE
    effect regprocedure;
BEGIN
    FOR effect IN
        SELECT oid
        FROM pg_proc
        WHERE pronamespace = 'pg_catalog'::regnamespace
          AND proname ~ '^(pg_sleep|pg_(try_)?advisory_|pg_notify$|pg_(cancel|terminate)_backend$|pg_logical_emit_message$|pg_export_snapshot$|lo_|lo(read|write)$)'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', effect);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO txhub', effect);
        IF to_regrole('txhub_api') IS NOT NULL THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO txhub_ingest, txhub_worker, txhub_api', effect);
        END IF;
    END LOOP;
END $$
