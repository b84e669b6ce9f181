-- A role for each service, with the rights that it needs. `txhub db migrate` runs `make_roles` and `grant` in every
-- database; in private clusters a superuser makes the roles. They cannot log in until somebody gives them a password.
--
-- txhub_worker is a member of the database's owner: only an owner refreshes aggregates, sets policies and drops chunks.
-- It inherits what the owner owns, and not what the owner is: of a superuser it is no superuser.

-- name: make_roles
DO $$
DECLARE
    service text;
    owner name := (SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database());
BEGIN
    FOREACH service IN ARRAY ARRAY['txhub_ingest', 'txhub_worker', 'txhub_api'] LOOP
        BEGIN
            IF to_regrole(service) IS NULL THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', service);
            END IF;
        EXCEPTION
            -- The migration of another database of this server was faster.
            WHEN duplicate_object OR unique_violation THEN NULL;
        END;
    END LOOP;
    IF NOT pg_has_role('txhub_worker', owner, 'USAGE') THEN
        BEGIN
            EXECUTE format('GRANT %s TO txhub_worker', owner);
        EXCEPTION
            -- Only a superuser, or who made the owner, may; the worker can use the owner's role instead.
            WHEN insufficient_privilege THEN NULL;
        END;
    END IF;
END $$

-- name: grant
GRANT USAGE ON SCHEMA txhub, txhub_rollup TO txhub_ingest, txhub_api;

-- What is committed, what a reorg replaces, and how the stream stands.
GRANT SELECT, INSERT, DELETE ON txhub.blocks, txhub.transactions, txhub.token_transfers, txhub.utxo_io TO txhub_ingest;
GRANT UPDATE ON txhub.blocks TO txhub_ingest; -- FOR UPDATE wants it, nothing is updated
GRANT SELECT, INSERT, DELETE ON txhub.observers TO txhub_ingest;
GRANT SELECT, INSERT ON
    txhub.reorgs, txhub.orphans, txhub.orphan_transactions, txhub.orphan_token_transfers, txhub.orphan_utxo_io,
    txhub.stream_events, txhub.event_log, txhub.tokens
    TO txhub_ingest;
GRANT SELECT, INSERT, UPDATE ON txhub.chains, txhub.streams, txhub.services TO txhub_ingest;
GRANT SELECT ON txhub.alembic_version, txhub.installation, txhub.horizon, txhub_rollup.token_1h TO txhub_ingest;
GRANT EXECUTE ON FUNCTION
    txhub_rollup.make_room, txhub_rollup.before_copy, txhub_rollup.after_copy, txhub_rollup.add_hours,
    txhub_rollup.recompute, txhub_rollup.recompute_hours, txhub_rollup.steady_horizon
    TO txhub_ingest;

-- Everything is read; rules, lists, cases and jobs are what people keep.
GRANT USAGE ON SCHEMA txhub_access TO txhub_api;
GRANT SELECT ON ALL TABLES IN SCHEMA txhub, txhub_rollup, txhub_access TO txhub_api;
GRANT INSERT, UPDATE, DELETE ON txhub.rules TO txhub_api;
GRANT INSERT ON txhub.rule_versions, txhub.alert_events, txhub.stream_events, txhub.event_log TO txhub_api;
GRANT INSERT, UPDATE ON txhub.labels, txhub.screenings, txhub.jobs, txhub.services TO txhub_api;
GRANT UPDATE ON txhub.alerts TO txhub_api;

-- name: answer
-- Apart from the rest: a server may have the roles of services and not that of analysts.
SET LOCAL ROLE txhub_analyst_lane;
GRANT EXECUTE ON FUNCTION txhub.answer TO txhub_api, txhub_worker;
RESET ROLE

-- name: granted
-- Also not where the function of analysts was made after the roles.
SELECT CASE
    WHEN to_regrole('txhub_api') IS NULL THEN false
    WHEN NOT has_table_privilege('txhub_api', 'txhub.rules', 'INSERT') THEN false
    ELSE coalesce(
        has_function_privilege('txhub_api', to_regprocedure('txhub.answer(text, int, bigint)'), 'EXECUTE'), true)
END
