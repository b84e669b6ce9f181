-- Findings of what is over by itself, which matter less, and which are told apart by when the last of their name ended.

ALTER TABLE txhub.findings
    DROP CONSTRAINT findings_level_check,
    ADD CONSTRAINT findings_level_check CHECK (level IN ('info', 'warning', 'error'));
COMMENT ON COLUMN txhub.findings.level IS 'info: it is over by itself; warning: look at it today; error: look at it now.';
CREATE INDEX findings_of_a_name ON txhub.findings (name, since);
