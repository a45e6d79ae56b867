//! The statements, with the schema's name in its place.

/// All statements of the store.
pub(super) struct Sql {
    pub lock_events: String,
    pub lock_events_and_of_holds: String,
    pub time: String,
    pub time_and_totals: String,
    pub holds: String,
    pub due: String,
    pub customers: String,
    pub keys: String,
    pub insert_ledger: String,
    pub insert_events: String,
    pub update_events: String,
    pub put_holds: String,
    pub put_customers: String,
    pub drop_customers: String,
    pub drop_keys: String,
    pub insert_keys: String,
    pub replay_keys: String,
    pub next_expiries: String,
    pub record: String,
    pub fence: String,
    pub touch: String,
    pub event: String,
    pub events: String,
    pub event_of: String,
    pub due_events: String,
    pub hold: String,
    pub records: String,
    pub probe: String,
    pub forget_keys: String,
    pub keys_len: String,
    pub forget_oldest_keys: String,
}

pub(super) const EVENT: &str = "e.name, e.seq, e.settings_seq, e.head, e.at_ms, e.live_holds, e.settings::text, e.stocks::text";
pub(super) const HOLD: &str = "h.id, h.event, h.items::text, h.live::text, h.customer, h.state, h.created_at_ms, h.expires_at_ms, h.payment_ref, \
                    h.seq, h.confirmed_seq";
/// The time of the transaction, milliseconds.
pub(super) const NOW: &str = "(extract(epoch FROM now()) * 1000)::bigint";

impl Sql {
    pub fn new(schema: &str) -> Self {
        let s = schema;
        let next = format!(
            "(SELECT h.expires_at_ms FROM {s}.holds h WHERE h.event = e.name AND h.state = 'held' ORDER BY h.expires_at_ms LIMIT 1)"
        );
        Self {
            lock_events: format!("SELECT {EVENT} FROM {s}.events e WHERE e.name = ANY($1) ORDER BY e.name FOR UPDATE"),
            lock_events_and_of_holds: format!(
                "SELECT {EVENT} FROM {s}.events e WHERE e.name IN \
                 (SELECT unnest($1) UNION SELECT h.event FROM {s}.holds h WHERE h.id = ANY($2)) ORDER BY e.name FOR UPDATE OF e"
            ),
            time: format!("SELECT {NOW}, 0::bigint, 0::bigint"),
            time_and_totals: format!("SELECT {NOW}, count(*), coalesce(sum(live_holds), 0)::bigint FROM {s}.events"),
            holds: format!(
                "SELECT {HOLD}, c.qty FROM {s}.holds h LEFT JOIN {s}.customers c ON c.event = h.event AND c.customer = h.customer \
                 WHERE h.id = ANY($1)"
            ),
            due: format!(
                "SELECT {HOLD}, c.qty FROM {s}.events e CROSS JOIN LATERAL (SELECT * FROM {s}.holds h WHERE h.event = e.name \
                 AND h.state = 'held' AND h.expires_at_ms <= greatest(e.at_ms, coalesce($3, {NOW})) ORDER BY h.expires_at_ms, h.id LIMIT $4) h \
                 LEFT JOIN {s}.customers c ON c.event = h.event AND c.customer = h.customer \
                 WHERE e.live_holds > 0 AND e.name IN \
                 (SELECT unnest($1) UNION SELECT t.event FROM {s}.holds t WHERE t.id = ANY($2)) LIMIT $4"
            ),
            customers: format!(
                "SELECT c.event, c.customer, c.qty FROM unnest($1, $2) AS w(event, customer) \
                 JOIN {s}.customers c ON c.event = w.event AND c.customer = w.customer"
            ),
            keys: format!(
                "SELECT k.key, k.fingerprint, k.expires_at_ms, l.body FROM {s}.keys k \
                 LEFT JOIN {s}.ledger l ON l.event = k.event AND l.seq = k.seq WHERE k.key = ANY($1)"
            ),
            insert_ledger: format!("INSERT INTO {s}.ledger (event, seq, body) SELECT * FROM unnest($1, $2, $3)"),
            insert_events: format!(
                "INSERT INTO {s}.events (name, seq, settings_seq, head, at_ms, live_holds, settings, stocks) \
                 SELECT a, b, c, d, e, f, g::jsonb, h::jsonb FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n(a, b, c, d, e, f, g, h)"
            ),
            update_events: format!(
                "UPDATE {s}.events o SET seq = n.seq, settings_seq = n.settings_seq, head = n.head, at_ms = n.at_ms, \
                 live_holds = n.live_holds, settings = n.settings::jsonb, stocks = n.stocks::jsonb \
                 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n(name, seq, settings_seq, head, at_ms, live_holds, settings, stocks) \
                 WHERE o.name = n.name"
            ),
            put_holds: format!(
                "INSERT INTO {s}.holds (id, event, items, live, customer, state, created_at_ms, expires_at_ms, payment_ref, seq, confirmed_seq) \
                 SELECT a, b, c::jsonb, d::jsonb, e, f, g, h, i, j, k \
                 FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS n(a, b, c, d, e, f, g, h, i, j, k) \
                 ON CONFLICT (id) DO UPDATE SET live = excluded.live, state = excluded.state, expires_at_ms = excluded.expires_at_ms, \
                 payment_ref = excluded.payment_ref, seq = excluded.seq, confirmed_seq = excluded.confirmed_seq"
            ),
            put_customers: format!(
                "INSERT INTO {s}.customers (event, customer, qty) SELECT * FROM unnest($1, $2, $3) \
                 ON CONFLICT (event, customer) DO UPDATE SET qty = excluded.qty"
            ),
            drop_customers: format!(
                "DELETE FROM {s}.customers c USING unnest($1, $2) AS n(event, customer) WHERE c.event = n.event AND c.customer = n.customer"
            ),
            drop_keys: format!("DELETE FROM {s}.keys WHERE key = ANY($1) AND expires_at_ms <= $2"),
            insert_keys: format!(
                "INSERT INTO {s}.keys (key, fingerprint, event, seq, expires_at_ms) SELECT * FROM unnest($1, $2, $3, $4, $5)"
            ),
            replay_keys: format!(
                "INSERT INTO {s}.keys AS k (key, fingerprint, event, seq, expires_at_ms) SELECT * FROM unnest($1, $2, $3, $4, $5) \
                 ON CONFLICT (key) DO UPDATE SET fingerprint = excluded.fingerprint, event = excluded.event, seq = excluded.seq, \
                 expires_at_ms = excluded.expires_at_ms WHERE k.expires_at_ms < excluded.expires_at_ms"
            ),
            next_expiries: format!("SELECT e.name, {next} FROM {s}.events e WHERE e.name = ANY($1)"),
            record: format!("SELECT body FROM {s}.ledger WHERE event = $1 AND seq = $2"),
            fence: format!("SELECT seq FROM {s}.events WHERE name = $1 FOR UPDATE"),
            touch: format!("UPDATE {s}.events SET seq = seq WHERE name = $1"),
            event: format!("SELECT {EVENT}, {next} FROM {s}.events e WHERE e.name = $1"),
            events: format!("SELECT {EVENT}, {next} FROM {s}.events e WHERE $1::text IS NULL OR e.name > $1 ORDER BY e.name LIMIT $2"),
            event_of: format!("SELECT event FROM {s}.holds WHERE id = $1"),
            due_events: format!(
                "SELECT e.name FROM {s}.events e WHERE e.live_holds > 0 AND EXISTS (SELECT 1 FROM {s}.holds h WHERE h.event = e.name \
                 AND h.state = 'held' AND h.expires_at_ms <= greatest(e.at_ms, {NOW})) LIMIT $1"
            ),
            hold: format!("SELECT {HOLD} FROM {s}.holds h WHERE h.id = $1"),
            records: format!("SELECT seq, body FROM {s}.ledger WHERE event = $1 AND seq > $2 ORDER BY seq LIMIT $3"),
            probe: format!("SELECT {NOW}, current_setting('transaction_read_only')"),
            forget_keys: format!(
                "DELETE FROM {s}.keys WHERE key IN (SELECT key FROM {s}.keys WHERE expires_at_ms <= {NOW} \
                 ORDER BY expires_at_ms LIMIT $1 FOR UPDATE SKIP LOCKED)"
            ),
            keys_len: "SELECT greatest(reltuples, 0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                       WHERE n.nspname = $1 AND c.relname = 'keys'"
                .into(),
            forget_oldest_keys: format!(
                "DELETE FROM {s}.keys WHERE key IN (SELECT key FROM {s}.keys ORDER BY expires_at_ms LIMIT $1 FOR UPDATE SKIP LOCKED)"
            ),
        }
    }
}
