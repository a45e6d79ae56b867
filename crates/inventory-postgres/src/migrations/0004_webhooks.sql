-- Receivers of the ledger. One process at a time delivers to each: it renews `lease_until`, and what it writes counts only while it
-- has the lease and knows the current version.
CREATE TABLE {schema}.webhooks (
    name text PRIMARY KEY,
    settings text NOT NULL,
    state text NOT NULL DEFAULT '',
    version bigint NOT NULL DEFAULT 1,
    lease_owner uuid,
    lease_until timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE TABLE {schema}.webhook_cursors (
    webhook text NOT NULL REFERENCES {schema}.webhooks (name) ON DELETE CASCADE,
    event text NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (webhook, event)
);
