-- Who may ask. A schema of its own, which analysts have no right to.

CREATE SCHEMA txhub_access;
COMMENT ON SCHEMA txhub_access IS 'Keys of the API. Nobody but txhub itself reads it.';

CREATE TABLE txhub_access.keys (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    role text NOT NULL CHECK (role IN ('viewer', 'analyst', 'admin')),
    requests_per_minute int NOT NULL CHECK (requests_per_minute > 0),
    digest bytea NOT NULL UNIQUE CHECK (length(digest) = 32),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE UNIQUE INDEX keys_name ON txhub_access.keys (name) WHERE revoked_at IS NULL;
COMMENT ON TABLE txhub_access.keys IS 'Keys of the API, as SHA-256 digests: a key itself is shown once and kept nowhere.';
COMMENT ON COLUMN txhub_access.keys.id IS 'What the log names.';
COMMENT ON COLUMN txhub_access.keys.name IS 'Whose it is; no two that are in force share it.';
COMMENT ON COLUMN txhub_access.keys.role IS 'viewer reads; analyst also asks in SQL and keeps lists; admin may do all.';
COMMENT ON COLUMN txhub_access.keys.requests_per_minute IS 'How often it may ask.';
COMMENT ON COLUMN txhub_access.keys.digest IS 'SHA-256 of the key: 256 random bits need no slower one.';
COMMENT ON COLUMN txhub_access.keys.created_at IS 'When it was made, UTC.';
COMMENT ON COLUMN txhub_access.keys.revoked_at IS 'When it was revoked, UTC; null: it is in force.';
