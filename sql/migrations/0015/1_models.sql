-- Models of what is usual, and what they found unlike the rest.

CREATE TABLE txhub.models (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain_id int NOT NULL REFERENCES txhub.chains,
    subject text NOT NULL CHECK (subject IN ('address', 'transaction')),
    version int NOT NULL CHECK (version > 0),
    digest text NOT NULL,
    trained_from timestamptz NOT NULL,
    trained_to timestamptz NOT NULL,
    rows bigint NOT NULL,
    seed int NOT NULL,
    quantiles jsonb NOT NULL,
    parameters jsonb NOT NULL,
    splits bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (chain_id, subject, version),
    UNIQUE (chain_id, subject, digest)
);
COMMENT ON TABLE txhub.models IS 'Isolation forests, each a version of what is usual on a chain; see docs/anomalies.md.';
COMMENT ON COLUMN txhub.models.id IS 'What txhub.anomalies names it by.';
COMMENT ON COLUMN txhub.models.chain_id IS 'The chain, see txhub.chains.';
COMMENT ON COLUMN txhub.models.subject IS 'address: what an address did in an hour; transaction.';
COMMENT ON COLUMN txhub.models.version IS 'From 1 on. Training again on the same rows with the same seed makes no new one.';
COMMENT ON COLUMN txhub.models.digest IS 'SHA-256 of all that makes the model.';
COMMENT ON COLUMN txhub.models.trained_from IS 'The first moment that it learned from, UTC.';
COMMENT ON COLUMN txhub.models.trained_to IS 'The moment after the last.';
COMMENT ON COLUMN txhub.models.rows IS 'How many rows of features it learned from.';
COMMENT ON COLUMN txhub.models.seed IS 'Of its chance.';
COMMENT ON COLUMN txhub.models.quantiles IS 'Of each feature, in order, among what it learned from: what is usual.';
COMMENT ON COLUMN txhub.models.parameters IS 'How the trees were grown.';
COMMENT ON COLUMN txhub.models.splits IS 'The trees, as an Arrow file: a table of splits, in which there is nothing to run.';
COMMENT ON COLUMN txhub.models.created_at IS 'When it was trained, UTC.';

CREATE TABLE txhub.anomalies (
    model_id int NOT NULL REFERENCES txhub.models,
    started_at timestamptz NOT NULL,
    subject bytea NOT NULL,
    score float8 NOT NULL,
    reasons jsonb NOT NULL,
    PRIMARY KEY (model_id, started_at, subject)
);
COMMENT ON TABLE txhub.anomalies IS 'What a model found least like the rest.';
COMMENT ON COLUMN txhub.anomalies.model_id IS 'The model, see txhub.models.';
COMMENT ON COLUMN txhub.anomalies.started_at IS 'Time of the transaction, or the beginning of the address''s hour, UTC.';
COMMENT ON COLUMN txhub.anomalies.subject IS 'The address, or the transaction''s hash, raw.';
COMMENT ON COLUMN txhub.anomalies.score IS '0 to 1: about 0.4 for most, the more the less like the rest.';
COMMENT ON COLUMN txhub.anomalies.reasons IS 'By which features, how much of the score hangs on each, how far it is from usual, and in words.';
