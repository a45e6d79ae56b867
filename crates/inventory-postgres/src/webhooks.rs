//! Receivers of the ledger, in the database. The clock of the database alone decides whose lease it
//! is.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use inventory::domain::EventName;
use inventory_store::{BoxFuture, Claim, StoreError, StoredWebhook, WebhookStore};
use tokio_postgres::Row;

use crate::{
    errors::DbError,
    reader::{Param, PostgresReader},
    rows::{event_name, number},
    sql::Sql,
};

/// The receivers that all processes share.
#[derive(Clone)]
pub struct PostgresWebhooks(Arc<PostgresReader>);

impl PostgresWebhooks {
    pub(crate) fn new(connections: Arc<PostgresReader>) -> Self {
        Self(connections)
    }

    /// Runs a statement that returns a row if it has done something.
    async fn run(
        &self,
        sql: fn(&Sql) -> &String,
        params: Vec<Param>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.0.query(sql, params).await?.pop())
    }
}

fn int(number: u64) -> Param {
    Param::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn text(row: &Row, column: usize) -> Result<String, DbError> {
    Ok(row.try_get(column)?)
}

fn webhooks(rows: &[Row]) -> Result<Vec<StoredWebhook>, DbError> {
    let mut webhooks: BTreeMap<String, StoredWebhook> = BTreeMap::new();
    for row in rows {
        let name = text(row, 0)?;
        let webhook = webhooks.entry(name.clone()).or_insert(StoredWebhook {
            name,
            settings: text(row, 1)?,
            state: text(row, 2)?,
            version: number(row, 3)?,
            cursors: BTreeMap::new(),
        });
        if row.try_get::<_, Option<String>>(4)?.is_some() {
            webhook.cursors.insert(event_name(row, 4)?, number(row, 5)?);
        }
    }
    Ok(webhooks.into_values().collect())
}

impl WebhookStore for PostgresWebhooks {
    fn list(&self) -> BoxFuture<'_, Result<Vec<StoredWebhook>, StoreError>> {
        Box::pin(async move {
            let rows = self.0.query(|sql| &sql.webhooks, Vec::new()).await?;
            webhooks(&rows).map_err(DbError::unavailable)
        })
    }

    fn put(
        &self,
        name: String,
        settings: String,
        cursors: BTreeMap<EventName, u64>,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let cursors = serde_json::to_string(&cursors)
                .map_err(|error| StoreError::Unavailable(error.to_string().into()))?;
            let params = vec![Param::Text(name), Param::Text(settings), Param::Text(cursors)];
            let row = self.run(|sql| &sql.put_webhook, params).await?;
            let version = row.as_ref().map(|row| number(row, 0)).transpose();
            Ok(version.map_err(DbError::unavailable)? == Some(1))
        })
    }

    fn delete(&self, name: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            Ok(self.run(|sql| &sql.delete_webhook, vec![Param::Text(name)]).await?.is_some())
        })
    }

    fn seek(
        &self,
        name: String,
        event: EventName,
        seq: u64,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let params = vec![Param::Text(name), Param::Text(event.to_string()), int(seq)];
            Ok(self.run(|sql| &sql.seek_webhook, params).await?.is_some())
        })
    }

    fn lease(&self, claim: Claim, time: Duration) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let time_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            let params = vec![
                Param::Text(claim.name),
                int(claim.version),
                Param::Id(claim.owner),
                int(time_ms),
            ];
            Ok(self.run(|sql| &sql.lease_webhook, params).await?.is_some())
        })
    }

    fn release(&self, claim: Claim) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let params = vec![Param::Text(claim.name), Param::Id(claim.owner)];
            self.run(|sql| &sql.release_webhook, params).await.map(drop)
        })
    }

    fn advance(
        &self,
        claim: Claim,
        cursor: Option<(EventName, u64)>,
        state: String,
    ) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(async move {
            let (event, seq) = cursor.map_or((None, 0), |(event, seq)| (Some(event), seq));
            let params = vec![
                Param::Text(claim.name),
                int(claim.version),
                Param::Id(claim.owner),
                Param::Text(state),
                Param::MaybeText(event.map(|event| event.to_string())),
                int(seq),
            ];
            Ok(self.run(|sql| &sql.advance_webhook, params).await?.is_some())
        })
    }
}
