-- Who is told of alerts: messages to channels, and every attempt to deliver them.

CREATE TABLE txhub.deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    channel text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('alert', 'more', 'digest', 'follow_up', 'cap')),
    rule text,
    entity text,
    severity txhub.severity NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead', 'void')),
    planned_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    message jsonb,
    attempts int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
CREATE INDEX deliveries_waiting ON txhub.deliveries (channel, due_at) WHERE state = 'waiting';
CREATE INDEX deliveries_group ON txhub.deliveries (channel, rule, planned_at);
COMMENT ON TABLE txhub.deliveries IS
    'Messages to channels, each kept as it was sent. One that waits is a queue''s entry; alerts may join it until it is first tried.';
COMMENT ON COLUMN txhub.deliveries.id IS 'In order of making; messages about the same alert are delivered in it.';
COMMENT ON COLUMN txhub.deliveries.key IS 'The same at every attempt, so that a receiver knows a message that comes twice.';
COMMENT ON COLUMN txhub.deliveries.channel IS 'The channel, by its name in the settings.';
COMMENT ON COLUMN txhub.deliveries.kind IS
    'alert: at once; more: what was collected after one; digest; follow_up: what was told has changed; cap: a rule''s messages of the day are used up.';
COMMENT ON COLUMN txhub.deliveries.rule IS 'The rule whose alerts it collects, by its name then; null: of any.';
COMMENT ON COLUMN txhub.deliveries.entity IS 'The entity whose alerts it collects; null: of any.';
COMMENT ON COLUMN txhub.deliveries.severity IS 'The greatest of its alerts.';
COMMENT ON COLUMN txhub.deliveries.state IS
    'waiting; delivered; dead: it was given up, see `txhub alerts replay`; void: there was nothing left to say.';
COMMENT ON COLUMN txhub.deliveries.planned_at IS 'When it was to be sent, UTC.';
COMMENT ON COLUMN txhub.deliveries.due_at IS 'When it is tried next, UTC.';
COMMENT ON COLUMN txhub.deliveries.message IS 'What is sent, from the first attempt on.';
COMMENT ON COLUMN txhub.deliveries.attempts IS 'How often it was tried.';
COMMENT ON COLUMN txhub.deliveries.created_at IS 'When it was made, UTC.';
COMMENT ON COLUMN txhub.deliveries.finished_at IS 'When it was delivered or given up, UTC; null: it waits.';

CREATE TABLE txhub.delivery_alerts (
    delivery_id bigint NOT NULL REFERENCES txhub.deliveries,
    alert_id bigint NOT NULL REFERENCES txhub.alerts,
    change text,
    severity txhub.severity,
    PRIMARY KEY (delivery_id, alert_id)
);
CREATE INDEX delivery_alerts_alert ON txhub.delivery_alerts (alert_id);
COMMENT ON TABLE txhub.delivery_alerts IS 'What each message says of which alerts.';
COMMENT ON COLUMN txhub.delivery_alerts.delivery_id IS 'The message, see txhub.deliveries.';
COMMENT ON COLUMN txhub.delivery_alerts.alert_id IS 'The alert, see txhub.alerts.';
COMMENT ON COLUMN txhub.delivery_alerts.change IS
    'raised, retracted, revived, severity or ended; null: not decided before the first attempt.';
COMMENT ON COLUMN txhub.delivery_alerts.severity IS 'The alert''s severity, as it was told.';

CREATE TABLE txhub.delivery_attempts (
    delivery_id bigint NOT NULL REFERENCES txhub.deliveries,
    number int NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    outcome text CHECK (outcome IN ('delivered', 'failed', 'refused')),
    status int,
    reason text,
    PRIMARY KEY (delivery_id, number)
);
COMMENT ON TABLE txhub.delivery_attempts IS 'Every attempt to deliver a message.';
COMMENT ON COLUMN txhub.delivery_attempts.delivery_id IS 'The message, see txhub.deliveries.';
COMMENT ON COLUMN txhub.delivery_attempts.number IS 'From 1 on.';
COMMENT ON COLUMN txhub.delivery_attempts.started_at IS 'When it began, UTC.';
COMMENT ON COLUMN txhub.delivery_attempts.ended_at IS 'When it ended, UTC; null: it is under way, or the worker was stopped meanwhile.';
COMMENT ON COLUMN txhub.delivery_attempts.outcome IS
    'delivered; failed: it is tried again; refused: it would be refused again.';
COMMENT ON COLUMN txhub.delivery_attempts.status IS 'The HTTP status of the answer; null: there was none.';
COMMENT ON COLUMN txhub.delivery_attempts.reason IS 'Why it did not succeed, without secrets.';

COMMENT ON COLUMN txhub.alerts.severity IS 'The rule''s, when it was last found.';
COMMENT ON COLUMN txhub.alerts.updated_at IS 'When it last changed, UTC; that its block was confirmed or finalised does not count.';
COMMENT ON COLUMN txhub.alert_events.event IS
    'raised, changed, confirmed, finalised, retracted, revived, ended, case, assigned, noted, told or not_told.';
