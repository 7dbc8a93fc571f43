-- Addresses that hear of events. Without account_id those of all accounts; events are names between spaces, none for all.
CREATE TABLE webhook (
    id            {{text}} PRIMARY KEY,
    url           {{text}} NOT NULL,
    account_id    {{text}} REFERENCES account (id) ON DELETE RESTRICT,
    events        {{text}} NOT NULL,
    sealed_secret {{blob}} NOT NULL,
    created_at    BIGINT   NOT NULL
) {{keyed}};
CREATE INDEX webhook_account ON webhook (account_id);

-- Events on their way to one webhook. due_at is when to send it, or until when a node has it in hand.
CREATE TABLE webhook_delivery (
    id         {{never reused}},
    webhook_id {{text}} NOT NULL REFERENCES webhook (id) ON DELETE RESTRICT,
    event_id   {{text}} NOT NULL,
    body       {{blob}} NOT NULL,
    attempts   BIGINT   NOT NULL,
    due_at     BIGINT   NOT NULL,
    created_at BIGINT   NOT NULL
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (webhook_id, due_at, id);
CREATE INDEX webhook_delivery_created ON webhook_delivery (created_at);
