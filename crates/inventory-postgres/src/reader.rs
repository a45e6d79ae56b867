//! Reads of committed data, through separate connections.

use std::sync::Arc;

use draw::Leaf;
use inventory::domain::{EventName, Hold, HoldId, LookupKey, Place};
use inventory_store::{BoxFuture, EventView, Reader, SharedReader, StoreError, StoredRecord};
use parking_lot::Mutex;
use tokio::{sync::Semaphore, time::timeout};
use tokio_postgres::{
    Row,
    types::{ToSql, Type},
};
use uuid::Uuid;

use crate::{
    connection::{Connection, within},
    context::StoreContext,
    counts::Counts,
    errors::DbError,
    rows::{event, event_name, hold, int, number, optional_number, place_at, uuid},
    sql::Sql,
};

/// The reader of the PostgreSQL store.
pub struct PostgresReader {
    context: Arc<StoreContext>,
    /// One permit per connection.
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

/// A parameter that its query owns.
pub enum Param {
    Text(String),
    MaybeText(Option<String>),
    Int(i64),
    Id(Uuid),
    Bytes(Vec<u8>),
}

impl Param {
    fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Text(text) => (text, Type::TEXT),
            Self::MaybeText(text) => (text, Type::TEXT),
            Self::Int(number) => (number, Type::INT8),
            Self::Id(id) => (id, Type::UUID),
            Self::Bytes(bytes) => (bytes, Type::BYTEA),
        }
    }
}

impl PostgresReader {
    pub fn new(context: Arc<StoreContext>) -> Self {
        let turns = Arc::new(Semaphore::new(context.options.readers));
        Self { context, turns, idle: Arc::default() }
    }

    /// Closes the connections that are not in use.
    pub fn close(&self) {
        self.idle.lock().clear();
    }

    /// Runs one statement. It continues when its caller goes away, so that no connection is left
    /// with half a response.
    pub async fn query(
        &self,
        sql: fn(&Sql) -> &String,
        params: Vec<Param>,
    ) -> Result<Vec<Row>, StoreError> {
        self.context.health.check()?;
        let unavailable = |text: &str| StoreError::Unavailable(text.into());
        let limit = self.context.options.statement_timeout;
        let turn = timeout(limit, self.turns.clone().acquire_owned())
            .await
            .map_err(|_| unavailable("too many reads are waiting"))?;
        let turn = turn.map_err(|_| unavailable("the store is closed"))?;
        let (context, idle) = (self.context.clone(), self.idle.clone());
        let task = tokio::spawn(async move {
            let _turn = turn;
            let mut fresh = false;
            loop {
                let known = idle.lock().pop();
                let connection = match known.filter(Connection::is_open) {
                    Some(connection) => connection,
                    None => {
                        fresh = true;
                        connect(&context).await?
                    }
                };
                let typed: Vec<_> = params.iter().map(Param::typed).collect();
                let trip =
                    async { Ok(connection.client.query_typed(sql(&context.sql), &typed).await?) };
                match within(limit, trip).await {
                    Ok(rows) => {
                        idle.lock().push(connection);
                        return Ok(rows);
                    }
                    // An idle connection may have died.
                    Err(DbError::Lost(_)) if !fresh => {}
                    Err(error) => {
                        context.health.alarm.notify_one();
                        return Err(error.unavailable());
                    }
                }
            }
        });
        task.await.map_err(|_| unavailable("a read was broken off"))?
    }
}

async fn connect(context: &StoreContext) -> Result<Connection, StoreError> {
    let connection = Connection::connect(&context.options).await.map_err(|error| {
        Counts::add(&context.counts.connect_failures);
        context.health.alarm.notify_one();
        error.unavailable()
    })?;
    Counts::add(&context.counts.connects);
    Ok(connection)
}

fn view(row: &Row) -> Result<EventView, DbError> {
    Ok(EventView { event: event(row)?, next_expiry_ms: optional_number(row, 10)? })
}

fn all<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, DbError>) -> Result<Vec<T>, StoreError> {
    rows.iter().map(read).collect::<Result<_, _>>().map_err(DbError::unavailable)
}

impl Reader for PostgresReader {
    fn hold(&self, id: HoldId) -> BoxFuture<'_, Result<Option<Hold>, StoreError>> {
        Box::pin(async move {
            let rows = self.query(|sql| &sql.hold, vec![Param::Id(uuid(id))]).await?;
            Ok(all(&rows, hold)?.pop())
        })
    }

    fn records<'a>(
        &'a self,
        event: &'a EventName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredRecord>, StoreError>> {
        Box::pin(async move {
            let params = vec![
                Param::Text(event.to_string()),
                Param::Int(int(after)),
                Param::Int(int(limit as u64)),
            ];
            let rows = self.query(|sql| &sql.records, params).await?;
            all(&rows, |row| Ok(StoredRecord { seq: number(row, 0)?, body: row.try_get(1)? }))
        })
    }

    fn lookup<'a>(
        &'a self,
        key: LookupKey<'a>,
        before: Option<HoldId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Hold>, StoreError>> {
        Box::pin(async move {
            // Asked each time: an administrator may drop an index, and look-ups are rare.
            let schema = Param::Text(self.context.options.schema.clone());
            let rows = self.query(|sql| &sql.lookup_is_built, vec![schema]).await?;
            if !all(&rows, |row| Ok(row.try_get(0)?))?.contains(&true) {
                self.context.index_missing.notify_one();
                return Err(StoreError::IndexBuilding);
            }
            let statement: fn(&Sql) -> &String = match key {
                LookupKey::Customer(_) => |sql| &sql.lookup_customer,
                LookupKey::PaymentRef(_) => |sql| &sql.lookup_payment,
            };
            let params = vec![
                Param::Text(key.as_str().to_owned()),
                Param::Id(before.map_or(Uuid::max(), uuid)),
                Param::Int(int(limit as u64)),
            ];
            all(&self.query(statement, params).await?, hold)
        })
    }

    fn place<'a>(
        &'a self,
        event: &'a EventName,
        leaf: &'a Leaf,
    ) -> BoxFuture<'a, Result<Option<Place>, StoreError>> {
        Box::pin(async move {
            let params =
                vec![Param::Text(event.to_string()), Param::Bytes(leaf.as_bytes().to_vec())];
            let rows = self.query(|sql| &sql.place, params).await?;
            Ok(all(&rows, |row| place_at(row, [0, 1, 2, 3, 4]))?.pop())
        })
    }

    fn check(&self) -> Result<(), StoreError> {
        self.context.health.check()
    }
}

impl SharedReader for PostgresReader {
    fn event<'a>(
        &'a self,
        name: &'a EventName,
    ) -> BoxFuture<'a, Result<Option<EventView>, StoreError>> {
        Box::pin(async move {
            let rows = self.query(|sql| &sql.event, vec![Param::Text(name.to_string())]).await?;
            Ok(all(&rows, view)?.pop())
        })
    }

    fn events<'a>(
        &'a self,
        after: Option<&'a EventName>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<EventView>, StoreError>> {
        Box::pin(async move {
            let params = vec![
                Param::MaybeText(after.map(ToString::to_string)),
                Param::Int(int(limit as u64)),
            ];
            let rows = self.query(|sql| &sql.events, params).await?;
            all(&rows, view)
        })
    }

    fn event_of(&self, hold: HoldId) -> BoxFuture<'_, Result<Option<EventName>, StoreError>> {
        Box::pin(async move {
            let rows = self.query(|sql| &sql.event_of, vec![Param::Id(uuid(hold))]).await?;
            Ok(all(&rows, |row| event_name(row, 0))?.pop())
        })
    }

    fn due_events(&self, limit: usize) -> BoxFuture<'_, Result<Vec<EventName>, StoreError>> {
        Box::pin(async move {
            let rows =
                self.query(|sql| &sql.due_events, vec![Param::Int(int(limit as u64))]).await?;
            all(&rows, |row| event_name(row, 0))
        })
    }
}
