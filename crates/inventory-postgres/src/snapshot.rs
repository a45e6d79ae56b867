//! A snapshot of a schema, read page by page in one read-only transaction while sales continue.
//!
//! It changes nothing and does not migrate the schema.

use std::time::Duration;

use draw::Leaf;
use inventory::domain::{
    CustomerId, Event, EventName, Fingerprint, Hold, HoldId, IdempotencyKey, Place, TimeMs,
};
use inventory_store::{StoreError, StoredKey};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};
use uuid::Uuid;

use crate::{
    connection::{Connection, within},
    errors::DbError,
    migrate,
    options::PostgresOptions,
    rows::{damaged, event, event_name, hold, int, leaf, number, place_at, uuid},
    sql::{EVENT, HOLD, NOW, quoted},
};

/// Rows of one round trip.
pub const PAGE: usize = 1_000;
/// The longest pause between two pages.
const IDLE_MAX: Duration = Duration::from_secs(600);

type Params<'a> = &'a [(&'a (dyn ToSql + Sync), Type)];

/// A record and its place in the table.
pub type LedgerRow = (EventName, u64, Vec<u8>);

/// One moment of a database.
pub struct Snapshot {
    connection: Connection,
    schema: String,
    limit: Duration,
    now_ms: TimeMs,
}

impl Snapshot {
    /// Connects and begins the transaction.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database cannot be read, has no stock, or that of a
    /// newer version. The text names no host and no password.
    pub async fn open(options: &PostgresOptions) -> Result<Self, StoreError> {
        let connection =
            Connection::connect_to_read(options).await.map_err(DbError::unavailable)?;
        let limit = options.statement_timeout;
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {}; \
             SET LOCAL idle_in_transaction_session_timeout = {}",
            limit.as_millis(),
            IDLE_MAX.as_millis()
        );
        within(limit, async { Ok(connection.client.batch_execute(&begin).await?) })
            .await
            .map_err(DbError::unavailable)?;
        let applied = within(limit, migrate::applied(&connection.client, &options.schema))
            .await
            .map_err(DbError::unavailable)?;
        if applied.is_none() {
            return Err(StoreError::Unavailable(
                format!("there is no stock in its schema {}", options.schema).into(),
            ));
        }
        let mut snapshot = Self { connection, schema: options.schema.clone(), limit, now_ms: 0 };
        let times = snapshot.read(&format!("SELECT {NOW}"), &[], |row| number(row, 0)).await?;
        snapshot.now_ms = times.first().copied().unwrap_or(0);
        Ok(snapshot)
    }

    /// The database's time at that moment.
    pub fn now_ms(&self) -> TimeMs {
        self.now_ms
    }

    async fn read<T>(
        &self,
        sql: &str,
        params: Params<'_>,
        read: impl Fn(&Row) -> Result<T, DbError>,
    ) -> Result<Vec<T>, StoreError> {
        let trip = async { Ok(self.connection.client.query_typed(sql, params).await?) };
        let rows = within(self.limit, trip).await.map_err(DbError::unavailable)?;
        rows.iter().map(read).collect::<Result<_, _>>().map_err(DbError::unavailable)
    }

    /// Records by event and `seq`, after `after`, including events that are in no other table.
    pub async fn ledger(
        &self,
        after: Option<(&EventName, u64)>,
    ) -> Result<Vec<LedgerRow>, StoreError> {
        let (name, seq) = after.map_or(("", 0), |(name, seq)| (name.as_str(), int(seq)));
        let sql = format!(
            "SELECT event, seq, body FROM {}.ledger WHERE (event, seq) > ($1 COLLATE \"C\", $2) ORDER BY event, seq LIMIT {PAGE}",
            quoted(&self.schema)
        );
        self.read(&sql, &[(&name, Type::TEXT), (&seq, Type::INT8)], |row| {
            Ok((event_name(row, 0)?, number(row, 1)?, row.try_get(2)?))
        })
        .await
    }

    /// Counts by event.
    pub async fn events(&self, after: Option<&EventName>) -> Result<Vec<Event>, StoreError> {
        let after = after.map_or("", EventName::as_str);
        let sql = format!(
            "SELECT {EVENT} FROM {}.events e WHERE e.name > $1 ORDER BY e.name LIMIT {PAGE}",
            quoted(&self.schema)
        );
        self.read(&sql, &[(&after, Type::TEXT)], event).await
    }

    /// Holds and reservations by id.
    pub async fn holds(&self, after: Option<HoldId>) -> Result<Vec<Hold>, StoreError> {
        let after = after.map_or(Uuid::nil(), uuid);
        let sql = format!(
            "SELECT {HOLD} FROM {}.holds h WHERE h.id > $1 ORDER BY h.id LIMIT {PAGE}",
            quoted(&self.schema)
        );
        self.read(&sql, &[(&after, Type::UUID)], hold).await
    }

    /// Quantities of customers, by event and customer.
    pub async fn customers(
        &self,
        after: Option<(&EventName, &CustomerId)>,
    ) -> Result<Vec<(EventName, CustomerId, u64)>, StoreError> {
        let (name, who) = after.map_or(("", ""), |(name, who)| (name.as_str(), who.as_str()));
        let sql = format!(
            "SELECT event, customer, qty FROM {}.customers WHERE (event, customer) > ($1 COLLATE \"C\", $2 COLLATE \"C\") \
             ORDER BY event, customer LIMIT {PAGE}",
            quoted(&self.schema)
        );
        let read = |row: &Row| {
            let customer = CustomerId::new(row.try_get::<_, &str>(1)?)
                .map_err(|error| damaged("a customer")(&error))?;
            Ok((event_name(row, 0)?, customer, number(row, 2)?))
        };
        self.read(&sql, &[(&name, Type::TEXT), (&who, Type::TEXT)], read).await
    }

    /// Places of waiting rooms, by event and leaf.
    pub async fn places(
        &self,
        after: Option<(&EventName, &Leaf)>,
    ) -> Result<Vec<(EventName, Leaf, Place)>, StoreError> {
        let (name, from) = after.map_or(("", [].as_slice()), |(name, leaf)| {
            (name.as_str(), leaf.as_bytes().as_slice())
        });
        let sql = format!(
            "SELECT event, leaf, index, pass, claimed_at_ms, expires_at_ms, spent_on::text FROM {}.places \
             WHERE (event, leaf) > ($1 COLLATE \"C\", $2) ORDER BY event, leaf LIMIT {PAGE}",
            quoted(&self.schema)
        );
        self.read(&sql, &[(&name, Type::TEXT), (&from, Type::BYTEA)], |row| {
            Ok((event_name(row, 0)?, leaf(row, 1)?, place_at(row, [2, 3, 4, 5, 6])?))
        })
        .await
    }

    /// Waiting lists: event, number and entry.
    pub async fn waiting(
        &self,
        after: Option<(&EventName, u64)>,
    ) -> Result<Vec<(EventName, u64, HoldId)>, StoreError> {
        let (name, from) = after.map_or(("", -1), |(name, number)| (name.as_str(), int(number)));
        let sql = format!(
            "SELECT event, number, hold FROM {}.waiting WHERE (event, number) > ($1 COLLATE \"C\", $2) \
             ORDER BY event, number LIMIT {PAGE}",
            quoted(&self.schema)
        );
        self.read(&sql, &[(&name, Type::TEXT), (&from, Type::INT8)], |row| {
            let hold: Uuid = row.try_get(2)?;
            Ok((event_name(row, 0)?, number(row, 1)?, HoldId::from_bytes(*hold.as_bytes())))
        })
        .await
    }

    /// Keys, with the places of their records.
    pub async fn keys(
        &self,
        after: Option<&IdempotencyKey>,
    ) -> Result<Vec<(IdempotencyKey, StoredKey)>, StoreError> {
        let after = after.map_or("", IdempotencyKey::as_str);
        let sql = format!(
            "SELECT key, fingerprint, event, seq, expires_at_ms FROM {}.keys WHERE key > $1 ORDER BY key LIMIT {PAGE}",
            quoted(&self.schema)
        );
        self.read(&sql, &[(&after, Type::TEXT)], key).await
    }

    /// Those of `keys` that are stored.
    pub async fn keys_among(&self, keys: &[&str]) -> Result<Vec<String>, StoreError> {
        let sql = format!("SELECT key FROM {}.keys WHERE key = ANY($1)", quoted(&self.schema));
        self.read(&sql, &[(&keys, Type::TEXT_ARRAY)], |row| Ok(row.try_get(0)?)).await
    }
}

fn key(row: &Row) -> Result<(IdempotencyKey, StoredKey), DbError> {
    let bad = damaged("a key");
    let key = IdempotencyKey::new(row.try_get::<_, &str>(0)?).map_err(|error| bad(&error))?;
    let fingerprint: &[u8] = row.try_get(1)?;
    let fingerprint = Fingerprint::from_bytes(fingerprint.try_into().map_err(|error| bad(&error))?);
    Ok((
        key,
        StoredKey {
            fingerprint,
            event: event_name(row, 2)?,
            seq: number(row, 3)?,
            expires_at_ms: number(row, 4)?,
        },
    ))
}
