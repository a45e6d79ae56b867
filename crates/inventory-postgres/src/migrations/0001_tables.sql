-- An event: the sum of its ledger. Its row is what writers lock.
CREATE TABLE {schema}.events (
    name text COLLATE "C" PRIMARY KEY,
    seq bigint NOT NULL,
    settings_seq bigint NOT NULL,
    head bytea NOT NULL,
    at_ms bigint NOT NULL,
    live_holds bigint NOT NULL,
    settings jsonb NOT NULL,
    stocks jsonb NOT NULL
) WITH (fillfactor = 50);

-- The ledger: a record's body is canonical JSON, byte for byte what is hashed and published.
CREATE TABLE {schema}.ledger (
    event text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (event, seq)
);

CREATE TABLE {schema}.holds (
    id uuid PRIMARY KEY,
    event text COLLATE "C" NOT NULL,
    items jsonb NOT NULL,
    live jsonb NOT NULL,
    customer text COLLATE "C",
    state text COLLATE "C" NOT NULL,
    created_at_ms bigint NOT NULL,
    expires_at_ms bigint NOT NULL,
    payment_ref text COLLATE "C",
    seq bigint NOT NULL,
    confirmed_seq bigint
);
CREATE INDEX holds_held ON {schema}.holds (event, expires_at_ms, id) WHERE state = 'held';

-- What a customer has of an event, held and bought.
CREATE TABLE {schema}.customers (
    event text COLLATE "C" NOT NULL,
    customer text COLLATE "C" NOT NULL,
    qty bigint NOT NULL,
    PRIMARY KEY (event, customer)
);

-- Idempotency keys, each with the place of the record that answers it.
CREATE TABLE {schema}.keys (
    key text COLLATE "C" PRIMARY KEY,
    fingerprint bytea NOT NULL,
    event text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    expires_at_ms bigint NOT NULL
);
CREATE INDEX keys_expiry ON {schema}.keys (expires_at_ms);
