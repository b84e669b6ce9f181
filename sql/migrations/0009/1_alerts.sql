-- Rules, and the alerts that they raise.

CREATE TYPE txhub.severity AS ENUM ('low', 'medium', 'high', 'critical');

CREATE TABLE txhub.rules (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9_-]{0,59}$'),
    version int NOT NULL DEFAULT 1 CHECK (version > 0),
    definition jsonb NOT NULL,
    severity txhub.severity NOT NULL,
    state text NOT NULL CHECK (state IN ('off', 'test', 'on')),
    origin text NOT NULL CHECK (origin IN ('default', 'file', 'api')),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_by text NOT NULL
);
COMMENT ON TABLE txhub.rules IS 'What is looked for, as it is now; txhub.rule_versions has what it was.';
COMMENT ON COLUMN txhub.rules.id IS 'What alerts name.';
COMMENT ON COLUMN txhub.rules.name IS 'What people call it.';
COMMENT ON COLUMN txhub.rules.version IS 'One more with each new definition: alerts of different versions are never taken for each other.';
COMMENT ON COLUMN txhub.rules.definition IS 'Pattern, conditions, scope and cooldown, see docs/rules.md.';
COMMENT ON COLUMN txhub.rules.severity IS 'How much its alerts matter.';
COMMENT ON COLUMN txhub.rules.state IS 'off; test: alerts are kept, and nobody is told; on.';
COMMENT ON COLUMN txhub.rules.origin IS 'default: comes with txhub; file: of txhub.toml; api: made by people.';
COMMENT ON COLUMN txhub.rules.changed_at IS 'When it was last changed, UTC.';
COMMENT ON COLUMN txhub.rules.changed_by IS 'Who changed it.';

CREATE TABLE txhub.rule_versions (
    rule_id int NOT NULL,
    version int NOT NULL,
    name text NOT NULL,
    definition jsonb NOT NULL,
    severity txhub.severity NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL,
    PRIMARY KEY (rule_id, version)
);
COMMENT ON TABLE txhub.rule_versions IS 'Every definition that a rule ever had; it stays when the rule is deleted.';
COMMENT ON COLUMN txhub.rule_versions.rule_id IS 'The rule, see txhub.rules.';
COMMENT ON COLUMN txhub.rule_versions.version IS 'From 1 on.';
COMMENT ON COLUMN txhub.rule_versions.name IS 'Its name then.';
COMMENT ON COLUMN txhub.rule_versions.definition IS 'Pattern, conditions, scope and cooldown.';
COMMENT ON COLUMN txhub.rule_versions.severity IS 'Its severity when this version was made.';
COMMENT ON COLUMN txhub.rule_versions.created_at IS 'From when on it was in force, UTC.';
COMMENT ON COLUMN txhub.rule_versions.created_by IS 'Who made it.';

-- No reference to rules or blocks: an alert outlives both.
CREATE TABLE txhub.alerts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    rule_id int NOT NULL,
    rule_version int NOT NULL,
    rule text NOT NULL,
    pattern text NOT NULL,
    chain_id int,
    subject text NOT NULL,
    started_at timestamptz NOT NULL,
    severity txhub.severity NOT NULL,
    title text NOT NULL,
    details jsonb NOT NULL,
    block_number bigint,
    hash bytea,
    value numeric,
    value_usd numeric,
    test boolean NOT NULL,
    chain_state text NOT NULL CHECK (chain_state IN ('pending', 'confirmed', 'finalised', 'retracted')),
    case_state text NOT NULL DEFAULT 'open'
        CHECK (case_state IN ('open', 'acknowledged', 'investigating', 'resolved', 'false_alarm')),
    assignee text,
    quiet text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
-- A rerun finds what is there already: one key a rule's version, chain, subject and window.
CREATE UNIQUE INDEX alerts_key ON txhub.alerts (rule_id, rule_version, chain_id, subject, started_at) NULLS NOT DISTINCT;
CREATE INDEX alerts_range ON txhub.alerts (chain_id, started_at);
CREATE INDEX alerts_time ON txhub.alerts (started_at);
CREATE INDEX alerts_open ON txhub.alerts (severity, started_at) WHERE case_state IN ('open', 'acknowledged', 'investigating');
CREATE INDEX alerts_unsettled ON txhub.alerts (chain_id, block_number) WHERE chain_state IN ('pending', 'confirmed');
COMMENT ON TABLE txhub.alerts IS
    'What rules found, each once. An alert has two lives: what the chain makes of it (chain_state), and what people do about it (case_state).';
COMMENT ON COLUMN txhub.alerts.id IS 'What people and clients name it by.';
COMMENT ON COLUMN txhub.alerts.rule_id IS 'The rule, see txhub.rules; 0 for what txhub says of itself.';
COMMENT ON COLUMN txhub.alerts.rule_version IS 'Which of its versions, see txhub.rule_versions.';
COMMENT ON COLUMN txhub.alerts.rule IS 'The name of the rule when the alert was raised.';
COMMENT ON COLUMN txhub.alerts.pattern IS 'What kind of thing was found, such as amount, fan_in or spike.';
COMMENT ON COLUMN txhub.alerts.chain_id IS 'The chain, see txhub.chains; null: none.';
COMMENT ON COLUMN txhub.alerts.subject IS 'What it is about, as people write it: an address, a transaction''s hash, a token, a chain.';
COMMENT ON COLUMN txhub.alerts.started_at IS 'Block time at which the rule was met first in this episode, UTC.';
COMMENT ON COLUMN txhub.alerts.severity IS 'The rule''s, when it was raised.';
COMMENT ON COLUMN txhub.alerts.title IS 'One line for people.';
COMMENT ON COLUMN txhub.alerts.details IS 'What it was found by: figures, parties, hashes.';
COMMENT ON COLUMN txhub.alerts.block_number IS 'The block in which the rule was met; null where none was.';
COMMENT ON COLUMN txhub.alerts.hash IS 'The transaction by which the rule was met, raw; null where it was none.';
COMMENT ON COLUMN txhub.alerts.value IS 'What was moved in all, base units of the coin, exact; null where that means nothing.';
COMMENT ON COLUMN txhub.alerts.value_usd IS 'The same in US dollars at the time; null where no price is known.';
COMMENT ON COLUMN txhub.alerts.test IS 'Raised by a rule in state test: nobody is told.';
COMMENT ON COLUMN txhub.alerts.chain_state IS
    'pending: its block is new; confirmed; finalised: no reorg can replace it; retracted: its blocks were replaced, or corrected data no longer meet the rule.';
COMMENT ON COLUMN txhub.alerts.case_state IS 'open, acknowledged, investigating, resolved or false_alarm.';
COMMENT ON COLUMN txhub.alerts.assignee IS 'Who looks into it.';
COMMENT ON COLUMN txhub.alerts.quiet IS 'Why nobody was told of it at once; null: whoever is to be told was.';
COMMENT ON COLUMN txhub.alerts.created_at IS 'When it was raised, UTC.';
COMMENT ON COLUMN txhub.alerts.updated_at IS 'When it last changed, UTC.';

CREATE TABLE txhub.alert_parties (
    alert_id bigint NOT NULL REFERENCES txhub.alerts,
    chain_id int NOT NULL,
    address bytea NOT NULL,
    role text NOT NULL,
    PRIMARY KEY (chain_id, address, alert_id, role)
);
CREATE INDEX alert_parties_alert ON txhub.alert_parties (alert_id);
COMMENT ON TABLE txhub.alert_parties IS 'Which addresses an alert is about.';
COMMENT ON COLUMN txhub.alert_parties.alert_id IS 'The alert, see txhub.alerts.';
COMMENT ON COLUMN txhub.alert_parties.chain_id IS 'The chain, see txhub.chains.';
COMMENT ON COLUMN txhub.alert_parties.address IS 'Raw; txhub.addr(''0x…'') makes it from text.';
COMMENT ON COLUMN txhub.alert_parties.role IS 'subject, sender, receiver, listed or intermediate.';

CREATE TABLE txhub.alert_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id bigint NOT NULL REFERENCES txhub.alerts,
    time timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    event text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX alert_events_alert ON txhub.alert_events (alert_id, id);
COMMENT ON TABLE txhub.alert_events IS 'Who did what with each alert, and when. It only grows.';
COMMENT ON COLUMN txhub.alert_events.id IS 'In order of time.';
COMMENT ON COLUMN txhub.alert_events.alert_id IS 'The alert, see txhub.alerts.';
COMMENT ON COLUMN txhub.alert_events.time IS 'When, UTC.';
COMMENT ON COLUMN txhub.alert_events.actor IS 'Who: a key''s name, or a part of txhub.';
COMMENT ON COLUMN txhub.alert_events.event IS
    'raised, changed, confirmed, finalised, retracted, revived, case, assigned, noted, told or not_told.';
COMMENT ON COLUMN txhub.alert_events.details IS 'What was before and after, a note''s text, the channel that was told.';

CREATE FUNCTION txhub_rollup.refuse_change() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME;
END $$;
CREATE TRIGGER alert_events_only_grow BEFORE UPDATE OR DELETE ON txhub.alert_events
    FOR EACH ROW EXECUTE FUNCTION txhub_rollup.refuse_change();
