-- What operators are told beside single events: what is wrong, since when, and which services are alive.

CREATE TABLE txhub.findings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    chain_id int REFERENCES txhub.chains,
    level text NOT NULL CHECK (level IN ('warning', 'error')),
    since timestamptz NOT NULL,
    says text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    ended_at timestamptz
);
CREATE UNIQUE INDEX findings_open ON txhub.findings (name, chain_id) NULLS NOT DISTINCT WHERE ended_at IS NULL;
CREATE INDEX findings_since ON txhub.findings (since);
COMMENT ON TABLE txhub.findings IS
    'What the worker found wrong: a row from when it begins. Its beginning and its end are in txhub.event_log too, under its name.';
COMMENT ON COLUMN txhub.findings.id IS 'Its number, in order of beginning.';
COMMENT ON COLUMN txhub.findings.name IS 'What is wrong, by a name of docs/runbook.md, such as stream_down.';
COMMENT ON COLUMN txhub.findings.chain_id IS 'The chain it is about, see txhub.chains; null: none.';
COMMENT ON COLUMN txhub.findings.level IS 'warning: look at it today; error: look at it now.';
COMMENT ON COLUMN txhub.findings.since IS 'When it was first seen, UTC.';
COMMENT ON COLUMN txhub.findings.says IS 'What is wrong, in a sentence; as it was last seen.';
COMMENT ON COLUMN txhub.findings.details IS 'The facts, by name; as they were last seen.';
COMMENT ON COLUMN txhub.findings.ended_at IS 'When it was no longer so, UTC; null: it still is.';

CREATE TABLE txhub.services (
    name text PRIMARY KEY,
    version text NOT NULL,
    instance text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    stopped_at timestamptz
);
COMMENT ON TABLE txhub.services IS 'The processes that work on this database, and when each last said that it lives.';
COMMENT ON COLUMN txhub.services.name IS 'The command, and the chains it follows or the address it serves.';
COMMENT ON COLUMN txhub.services.version IS 'The release of txhub.';
COMMENT ON COLUMN txhub.services.instance IS 'The process: a random word of its own.';
COMMENT ON COLUMN txhub.services.started_at IS 'When it was started, UTC.';
COMMENT ON COLUMN txhub.services.seen_at IS 'When it last said that it lives, UTC.';
COMMENT ON COLUMN txhub.services.stopped_at IS 'When it was stopped in order, UTC; null: it runs, or it died.';

CREATE TABLE txhub.event_log_archive (
    day date PRIMARY KEY,
    path text NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    sha256 bytea NOT NULL,
    exported_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE txhub.event_log_archive IS 'The days of txhub.event_log that are in the archive.';
COMMENT ON COLUMN txhub.event_log_archive.day IS 'The day, UTC.';
COMMENT ON COLUMN txhub.event_log_archive.path IS 'The file, below the archive''s address.';
COMMENT ON COLUMN txhub.event_log_archive.rows IS 'How many events.';
COMMENT ON COLUMN txhub.event_log_archive.bytes IS 'Size of the file.';
COMMENT ON COLUMN txhub.event_log_archive.sha256 IS 'SHA-256 of the file.';
COMMENT ON COLUMN txhub.event_log_archive.exported_at IS 'When it was written, UTC.';
