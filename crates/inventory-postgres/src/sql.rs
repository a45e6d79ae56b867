//! The statements, with the schema's name in its place.

/// The migration for records about money. It becomes breaking with the first of them: older
/// versions cannot read them.
pub const MONEY: i32 = 3;
/// The migration for records about waiting rooms, likewise.
pub const QUEUE: i32 = 5;

/// All statements of the store.
pub struct Sql {
    pub load: String,
    pub write: String,
    pub break_for_money: String,
    pub break_for_queue: String,
    pub record: String,
    pub fence: String,
    pub reads: String,
    pub event: String,
    pub events: String,
    pub event_of: String,
    pub due_events: String,
    pub hold: String,
    pub lookup_customer: String,
    pub lookup_payment: String,
    pub lookup_is_built: String,
    pub records: String,
    pub place: String,
    pub probe: String,
    pub forget_keys: String,
    pub keys_len: String,
    pub forget_oldest_keys: String,
    pub webhooks: String,
    pub put_webhook: String,
    pub delete_webhook: String,
    pub seek_webhook: String,
    pub lease_webhook: String,
    pub release_webhook: String,
    pub advance_webhook: String,
}

pub const EVENT: &str = "e.name, e.seq, e.settings_seq, e.head, e.at_ms, e.live_holds, e.settings::text, e.stocks::text, \
                         e.queue::text, e.waitlist::text";
pub const HOLD: &str = "h.id, h.event, h.items::text, h.live::text, h.customer, h.state, h.created_at_ms, h.expires_at_ms, h.payment_ref, \
                    h.seq, h.confirmed_seq, h.terms::text, h.waiting::text";
/// The time of the transaction, milliseconds.
pub const NOW: &str = "(extract(epoch FROM now()) * 1000)::bigint";

/// The indexes of table `holds` that look-ups need.
pub const LOOKUP_INDEXES: [&str; 4] =
    ["holds_customer", "holds_payment_ref", "holds_payment_started", "holds_refunds_due"];

/// Whether the indexes for look-ups can be used; `$1` is the schema.
pub fn lookup_is_built() -> String {
    format!(
        "SELECT count(*) = {} FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND i.indisvalid AND c.relname IN ('{}')",
        LOOKUP_INDEXES.len(),
        LOOKUP_INDEXES.join("', '")
    )
}

/// The holds with payment `$1` below id `$2`, at most `$3`. Each kind of payment has its own index.
///
/// Two parts are planned apart, because the planner would read all holds otherwise: payments that
/// came too late, whose index has no order, and the holds of the ids, which it would hash
/// (`OFFSET 0`).
fn lookup_payment(s: &str) -> String {
    let newest = |from: &str, condition: &str| {
        format!("(SELECT id FROM {from} WHERE {condition} AND id < $2 ORDER BY id DESC LIMIT $3)")
    };
    let holds = format!("{s}.holds");
    format!(
        "WITH due AS MATERIALIZED (SELECT id FROM {holds} \
         WHERE terms->'refunds_due' <> '[]'::jsonb AND terms->'refunds_due' ? $1), \
         found AS MATERIALIZED (SELECT id FROM ({} UNION {} UNION {}) ids ORDER BY id DESC LIMIT $3) \
         SELECT {HOLD} FROM found CROSS JOIN LATERAL (SELECT * FROM {holds} WHERE id = found.id OFFSET 0) h \
         ORDER BY h.id DESC",
        newest(&holds, "payment_ref = $1"),
        newest(&holds, "terms->>'payment_started' = $1"),
        newest("due", "true"),
    )
}

/// Whether the tables and functions that the statements use are all there; `$1` is the schema.
const PARTS: &str = "(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 \
                     AND c.relkind IN ('r', 'p') AND c.relname IN ('events', 'ledger', 'holds', 'customers', 'keys', 'places', 'waiting', 'migrations')) = 8 \
                     AND (SELECT count(DISTINCT p.proname) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
                     WHERE n.nspname = $1 AND p.proname IN ('load_batch_3', 'write_batch_3')) = 2";

/// A name as SQL has it, also one that is a keyword.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn breaking(s: &str, version: i32) -> String {
    format!("UPDATE {s}.migrations SET breaking = true WHERE version = {version} AND NOT breaking")
}

/// Older versions that are connected do not look at the mark: without the functions that they use,
/// they cannot sell past a waiting room that they do not know. A role that does not own the
/// functions leaves them.
fn break_for_queue(s: &str) -> String {
    let (mark, older) =
        (breaking(s, QUEUE), ["load_batch_1", "write_batch_1", "load_batch_2", "write_batch_2"]);
    let drop = older.map(|name| format!("DROP FUNCTION IF EXISTS {s}.{name};")).concat();
    format!(
        "DO $$ BEGIN {mark}; IF FOUND THEN BEGIN {drop} EXCEPTION WHEN insufficient_privilege THEN NULL; END; END IF; END $$"
    )
}

impl Sql {
    pub fn new(schema: &str) -> Self {
        let s = quoted(schema);
        let next = format!(
            "(SELECT h.expires_at_ms FROM {s}.holds h WHERE h.event = e.name AND h.state = 'held' ORDER BY h.expires_at_ms LIMIT 1)"
        );
        Self {
            load: format!("SELECT * FROM {s}.load_batch_3($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"),
            write: format!(
                "SELECT * FROM {s}.write_batch_3($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
                 $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46, $47, $48, $49)"
            ),
            break_for_money: breaking(&s, MONEY),
            break_for_queue: break_for_queue(&s),
            record: format!("SELECT body FROM {s}.ledger WHERE event = $1 AND seq = $2"),
            fence: format!("SELECT seq FROM {s}.events WHERE name = $1 FOR UPDATE"),
            reads: format!("UPDATE {s}.events SET seq = seq WHERE name = $1"),
            event: format!("SELECT {EVENT}, {next} FROM {s}.events e WHERE e.name = $1"),
            events: format!("SELECT {EVENT}, {next} FROM {s}.events e WHERE $1::text IS NULL OR e.name > $1 ORDER BY e.name LIMIT $2"),
            event_of: format!("SELECT event FROM {s}.holds WHERE id = $1"),
            due_events: format!(
                "SELECT e.name FROM {s}.events e WHERE e.live_holds > 0 AND EXISTS (SELECT 1 FROM {s}.holds h WHERE h.event = e.name \
                 AND h.state = 'held' AND h.expires_at_ms <= greatest(e.at_ms, {NOW})) LIMIT $1"
            ),
            hold: format!("SELECT {HOLD} FROM {s}.holds h WHERE h.id = $1"),
            lookup_customer: format!(
                "SELECT {HOLD} FROM {s}.holds h WHERE h.customer = $1 AND h.id < $2 ORDER BY h.id DESC LIMIT $3"
            ),
            lookup_payment: lookup_payment(&s),
            lookup_is_built: lookup_is_built(),
            records: format!("SELECT seq, body FROM {s}.ledger WHERE event = $1 AND seq > $2 ORDER BY seq LIMIT $3"),
            place: format!(
                "SELECT index, pass, claimed_at_ms, expires_at_ms, spent_on::text FROM {s}.places WHERE event = $1 AND leaf = $2"
            ),
            probe: format!("SELECT {NOW}, current_setting('transaction_read_only'), {PARTS}"),
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
            webhooks: format!(
                "SELECT w.name, w.settings, w.state, w.version, c.event, c.seq FROM {s}.webhooks w \
                 LEFT JOIN {s}.webhook_cursors c ON c.webhook = w.name ORDER BY w.name, c.event"
            ),
            put_webhook: format!(
                "WITH w AS (INSERT INTO {s}.webhooks AS w (name, settings) VALUES ($1, $2) ON CONFLICT (name) \
                 DO UPDATE SET settings = EXCLUDED.settings, state = '', version = w.version + 1 RETURNING name, version), \
                 c AS (INSERT INTO {s}.webhook_cursors (webhook, event, seq) SELECT w.name, j.key, j.value::bigint \
                 FROM w, jsonb_each_text($3::text::jsonb) j WHERE w.version = 1) SELECT version FROM w"
            ),
            delete_webhook: format!("DELETE FROM {s}.webhooks WHERE name = $1 RETURNING 1"),
            seek_webhook: format!(
                "WITH w AS (UPDATE {s}.webhooks SET version = version + 1, state = '' WHERE name = $1 RETURNING name) \
                 INSERT INTO {s}.webhook_cursors (webhook, event, seq) SELECT name, $2, $3 FROM w \
                 ON CONFLICT (webhook, event) DO UPDATE SET seq = EXCLUDED.seq RETURNING 1"
            ),
            lease_webhook: format!(
                "UPDATE {s}.webhooks SET lease_owner = $3, lease_until = now() + $4 * interval '1 millisecond' \
                 WHERE name = $1 AND version = $2 AND (lease_owner = $3 OR lease_until < now()) RETURNING 1"
            ),
            release_webhook: format!(
                "UPDATE {s}.webhooks SET lease_until = '-infinity' WHERE name = $1 AND lease_owner = $2 RETURNING 1"
            ),
            advance_webhook: format!(
                "WITH w AS (UPDATE {s}.webhooks SET state = $4 WHERE name = $1 AND version = $2 AND lease_owner = $3 \
                 AND lease_until > now() RETURNING name), \
                 c AS (INSERT INTO {s}.webhook_cursors (webhook, event, seq) SELECT name, $5, $6 FROM w WHERE $5 IS NOT NULL \
                 ON CONFLICT (webhook, event) DO UPDATE SET seq = EXCLUDED.seq) SELECT 1 FROM w"
            ),
        }
    }
}
