//! The tables of the embedded store.

use std::{ops::Bound, path::Path, sync::Arc};

use draw::Leaf;
use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable,
    config::{FilterPolicy, PartitioningPolicy},
};
use inventory::domain::{Event, EventName, Hold, HoldId, Place};
use inventory_store::{Durability, StoreError};

use crate::{
    data_dir::DataDir,
    errors::failed,
    options::{EmbeddedOptions, TABLES},
    rows::{
        LookupPrefix, decode, decode_hold, event_prefix, ledger_key, lookup_key, parse_lookup_key,
        place_key,
    },
};

/// The row of table `meta` with the number of ledger records that table `lookup` covers.
pub const INDEXED_RECORDS: &str = "indexed_records";

/// How a table is looked up, which decides the filters it needs.
#[derive(Clone, Copy)]
enum Lookups {
    /// Only for rows that exist, or by scanning: no filters.
    Known,
    /// A miss is rare.
    MostlyHit,
    /// A miss is the rule: a new key, a new customer.
    MayMiss,
}

impl Lookups {
    fn options(self, options: &EmbeddedOptions) -> KeyspaceCreateOptions {
        // Filters and indexes in small parts: a lookup reads the part it needs, not one that grows
        // with the table.
        let table = KeyspaceCreateOptions::default()
            .max_memtable_size(options.memtable_bytes)
            .filter_block_partitioning_policy(PartitioningPolicy::all(true))
            .index_block_partitioning_policy(PartitioningPolicy::all(true));
        match self {
            Self::Known => table.filter_policy(FilterPolicy::disabled()),
            Self::MostlyHit => table.expect_point_read_hits(true),
            Self::MayMiss => table,
        }
    }
}

/// Handles to all tables; clones share them.
#[derive(Clone)]
pub struct Tables {
    pub db: Database,
    /// `event 0 seq` → record body.
    pub ledger: Keyspace,
    /// `event` → its counts and settings.
    pub events: Keyspace,
    /// hold id → hold.
    pub holds: Keyspace,
    /// `event 0 expires_at hold` → nothing: the holds that are held.
    pub live: Keyspace,
    /// `event 0 customer` → quantity held and bought.
    pub customers: Keyspace,
    /// key → where its answer is.
    pub keys: Keyspace,
    /// `expires_at key` → nothing: keys in the order of expiry.
    pub key_order: Keyspace,
    /// `event 0 leaf` → the place of a waiting room.
    pub places: Keyspace,
    /// `event 0 number hold` → nothing: the entries of waiting lists.
    pub waiting: Keyspace,
    /// `key hold` → nothing: the holds and reservations of a customer or a payment.
    pub lookup: Keyspace,
    /// Counters: name → number.
    pub meta: Keyspace,
    /// Keeps the directory locked for as long as anything reads from it.
    dir: Option<Arc<DataDir>>,
}

impl Tables {
    pub fn open(path: &Path, options: &EmbeddedOptions) -> Result<Self, StoreError> {
        // The first of the workers keeps itself free for flushes, and hands all other work to the
        // others: with only one other, and that one busy, it would hand it to itself, over and
        // over, for as long as a compaction takes.
        let builder = Database::builder(path)
            .cache_size(options.cache_bytes)
            .max_journaling_size(options.journal_bytes)
            .max_cached_files(Some(options.open_files));
        let db = builder.worker_threads(3).open().map_err(failed)?;
        let table = |name: &str, lookups: Lookups| {
            db.keyspace(name, || lookups.options(options)).map_err(failed)
        };
        Ok(Self {
            ledger: table("ledger", Lookups::Known)?,
            events: table("events", Lookups::Known)?,
            holds: table("holds", Lookups::MostlyHit)?,
            live: table("live", Lookups::Known)?,
            customers: table("customers", Lookups::MayMiss)?,
            keys: table("keys", Lookups::MayMiss)?,
            key_order: table("key_order", Lookups::Known)?,
            places: table("places", Lookups::MayMiss)?,
            waiting: table("waiting", Lookups::Known)?,
            lookup: table("lookup", Lookups::Known)?,
            meta: table("meta", Lookups::Known)?,
            dir: None,
            db,
        })
    }

    /// Makes everything written so far durable.
    pub(crate) fn sync(&self) -> fjall::Result<()> {
        self.db.persist(PersistMode::SyncAll)
    }

    /// Leaves the lock of `dir` to these tables and their clones.
    pub fn keep_locked(&mut self, dir: DataDir) {
        self.dir = Some(Arc::new(dir));
    }

    /// The tables that follow from the ledger.
    pub fn derived(&self) -> [&Keyspace; TABLES - 1] {
        [
            &self.events,
            &self.holds,
            &self.live,
            &self.customers,
            &self.keys,
            &self.key_order,
            &self.places,
            &self.waiting,
            &self.lookup,
            &self.meta,
        ]
    }

    pub fn batch(&self, durability: Durability) -> fjall::OwnedWriteBatch {
        let mode = match durability {
            Durability::Synced => Some(PersistMode::SyncData),
            Durability::Buffered => None,
        };
        self.db.batch().durability(mode)
    }

    pub fn all_events(&self) -> Result<Vec<Event>, StoreError> {
        let rows = self.events.iter().map(|row| {
            let value = row.value().map_err(failed)?;
            serde_json::from_slice(&value)
                .map_err(|error| StoreError::Damaged(format!("a row of events: {error}").into()))
        });
        rows.collect()
    }

    pub fn hold(&self, id: HoldId) -> Result<Option<Hold>, StoreError> {
        self.holds.get(id.as_bytes()).map_err(failed)?.map(|row| decode_hold(&row)).transpose()
    }

    pub fn place(&self, event: &EventName, leaf: &Leaf) -> Result<Option<Place>, StoreError> {
        let row = self.places.get(place_key(event, leaf)).map_err(failed)?;
        row.map(|row| decode("places", &row)).transpose()
    }

    /// The number of ledger records that table `lookup` covers. It has all rows if that is the
    /// number of all records.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn indexed_records(&self) -> Result<u64, StoreError> {
        let row = self.meta.get(INDEXED_RECORDS).map_err(failed)?;
        Ok(row.map(|row| decode("meta", &row)).transpose()?.unwrap_or(0))
    }

    /// The holds of a key below `before`, the greatest id first, as of one moment: a row and its
    /// hold come with the same batch.
    pub fn lookup(
        &self,
        prefix: &LookupPrefix,
        before: Option<HoldId>,
        limit: usize,
    ) -> Result<Vec<Hold>, StoreError> {
        let snapshot = self.db.snapshot();
        let row_of = |id| lookup_key(prefix, id);
        let end = match before {
            Some(id) => Bound::Excluded(row_of(id)),
            None => Bound::Included(row_of(HoldId::from_bytes([0xff; 16]))),
        };
        let range = (Bound::Included(row_of(HoldId::from_bytes([0; 16]))), end);
        let rows = snapshot.range(&self.lookup, range).rev().take(limit).map(|row| {
            let damaged = || StoreError::Damaged("a row of lookup".into());
            let row = row.key().map_err(failed)?;
            let (_, id) = parse_lookup_key(&row).ok_or_else(damaged)?;
            let hold = snapshot.get(&self.holds, id.as_bytes()).map_err(failed)?;
            decode_hold(&hold.ok_or_else(damaged)?)
        });
        rows.collect()
    }

    pub fn body(&self, event: &EventName, seq: u64) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.ledger.get(ledger_key(event, seq)).map_err(failed)?.map(|body| body.to_vec()))
    }

    pub fn body_range(
        &self,
        event: &EventName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let mut end = event_prefix(event);
        end.extend([0xff; 8]);
        let rows =
            self.ledger.range(ledger_key(event, after.saturating_add(1))..=end).take(limit).map(
                |row| {
                    let (key, body) = row.into_inner().map_err(failed)?;
                    let (_, seq) = crate::rows::parse_ledger_key(&key)
                        .ok_or_else(|| StoreError::Damaged("a key of the ledger".into()))?;
                    Ok((seq, body.to_vec()))
                },
            );
        rows.collect()
    }
}
