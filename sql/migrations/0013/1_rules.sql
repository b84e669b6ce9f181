-- What detection keeps beside rules and alerts.

ALTER TABLE txhub.rules ADD COLUMN looked_version int;
COMMENT ON COLUMN txhub.rules.looked_version IS 'The version by which the past was looked at; null: not yet.';

CREATE TABLE txhub.value_quantiles (
    chain_id int NOT NULL REFERENCES txhub.chains,
    day date NOT NULL,
    share float8 NOT NULL CHECK (share > 0 AND share < 1),
    value numeric,
    PRIMARY KEY (chain_id, day, share)
);
COMMENT ON TABLE txhub.value_quantiles IS
    'Quantiles of the 30 days before a day, as rules first asked for them: they stay, so that looking again finds the same.';
COMMENT ON COLUMN txhub.value_quantiles.chain_id IS 'The chain, see txhub.chains.';
COMMENT ON COLUMN txhub.value_quantiles.day IS 'The day (UTC) that they hold for.';
COMMENT ON COLUMN txhub.value_quantiles.share IS 'Which share of the transactions stayed under the value.';
COMMENT ON COLUMN txhub.value_quantiles.value IS 'Base units; null: there were no transactions in those 30 days.';

CREATE TABLE txhub.jobs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    question jsonb NOT NULL,
    progress float8 NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
    result jsonb,
    error text,
    asked_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    ended_at timestamptz
);
CREATE INDEX jobs_waiting ON txhub.jobs (id) WHERE state IN ('queued', 'running');
COMMENT ON TABLE txhub.jobs IS 'Work that takes longer than a request, such as backtests of rules.';
COMMENT ON COLUMN txhub.jobs.id IS 'What /v1/jobs names it by.';
COMMENT ON COLUMN txhub.jobs.kind IS 'What is done: backtest.';
COMMENT ON COLUMN txhub.jobs.state IS 'queued, running, done or failed.';
COMMENT ON COLUMN txhub.jobs.question IS 'What was asked for.';
COMMENT ON COLUMN txhub.jobs.progress IS 'How much of it is done, from 0 to 1.';
COMMENT ON COLUMN txhub.jobs.result IS 'The answer; null until it is done.';
COMMENT ON COLUMN txhub.jobs.error IS 'Why it failed.';
COMMENT ON COLUMN txhub.jobs.asked_by IS 'Who asked.';
COMMENT ON COLUMN txhub.jobs.created_at IS 'When it was asked for, UTC.';
COMMENT ON COLUMN txhub.jobs.started_at IS 'When it began, UTC.';
COMMENT ON COLUMN txhub.jobs.ended_at IS 'When it ended, UTC.';
