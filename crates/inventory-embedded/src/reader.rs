//! Reads beside the committer. They see only committed, hence fsynced, data.

use std::sync::Arc;

use draw::Leaf;
use inventory::domain::{EventName, Hold, HoldId, LookupKey, Place};
use inventory_store::{BoxFuture, Reader, StoreError, StoredRecord};

use crate::{lookup::LookupIndex, presence::Presence, rows::lookup_prefix, tables::Tables};

pub(super) struct TablesReader {
    pub tables: Tables,
    pub presence: Option<Arc<Presence>>,
    pub lookup: Arc<LookupIndex>,
}

impl Reader for TablesReader {
    fn hold(&self, id: HoldId) -> BoxFuture<'_, Result<Option<Hold>, StoreError>> {
        // A point read: mostly from memory, at worst a few blocks.
        Box::pin(async move { self.tables.hold(id) })
    }

    fn records<'a>(
        &'a self,
        event: &'a EventName,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredRecord>, StoreError>> {
        let (tables, event) = (self.tables.clone(), event.clone());
        Box::pin(async move {
            let read = move || tables.body_range(&event, after, limit);
            let rows = tokio::task::spawn_blocking(read)
                .await
                .map_err(|error| StoreError::Failed(error.to_string().into()))??;
            Ok(rows.into_iter().map(|(seq, body)| StoredRecord { seq, body }).collect())
        })
    }

    fn lookup<'a>(
        &'a self,
        key: LookupKey<'a>,
        before: Option<HoldId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Hold>, StoreError>> {
        Box::pin(async move {
            if !self.lookup.is_complete() {
                return Err(StoreError::IndexBuilding);
            }
            let (tables, prefix) = (self.tables.clone(), lookup_prefix(key));
            let read = move || tables.lookup(&prefix, before, limit);
            let found = tokio::task::spawn_blocking(read)
                .await
                .map_err(|error| StoreError::Failed(error.to_string().into()))??;
            match found.iter().all(|hold| key.finds(hold)) {
                true => Ok(found),
                false => Err(StoreError::Damaged("a row of lookup".into())),
            }
        })
    }

    fn place<'a>(
        &'a self,
        event: &'a EventName,
        leaf: &'a Leaf,
    ) -> BoxFuture<'a, Result<Option<Place>, StoreError>> {
        Box::pin(async move { self.tables.place(event, leaf) })
    }

    fn check(&self) -> Result<(), StoreError> {
        self.presence.as_ref().map_or(Ok(()), |presence| presence.check())
    }
}
