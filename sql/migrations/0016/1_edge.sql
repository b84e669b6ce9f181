-- Models that learn as they go, beside those that are grown at once; and messages that were given up, found at once.

ALTER TABLE txhub.models ADD COLUMN kind text NOT NULL DEFAULT 'forest' CHECK (kind IN ('forest', 'edge'));
COMMENT ON COLUMN txhub.models.kind IS 'forest: isolation forests, which judge hours that are over; edge: half-space trees, which judge transactions as they come.';
COMMENT ON COLUMN txhub.models.splits IS 'The trees of a forest, as an Arrow file: a table of splits, in which there is nothing to run. Empty at the edge, where chance and what comes make them.';
COMMENT ON TABLE txhub.models IS 'What is usual on a chain, by version; see docs/anomalies.md.';

CREATE INDEX deliveries_dead ON txhub.deliveries (finished_at) WHERE state = 'dead';
