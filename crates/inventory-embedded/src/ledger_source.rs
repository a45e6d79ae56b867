//! The ledgers of an embedded store, read while it runs.

use fjall::Readable;
use inventory::EventName;
use inventory_store::StoreError;

use crate::{errors::failed, rows::parse_ledger_key, tables::Tables};

/// A row of the ledger table: event, `seq` and body.
pub type LedgerRow = (EventName, u64, Vec<u8>);

/// A handle on the ledgers of an embedded store; clones share it.
#[derive(Clone)]
pub struct LedgerSource(Tables);

impl LedgerSource {
    pub(crate) fn new(tables: Tables) -> Self {
        Self(tables)
    }

    /// Every record at this moment, event by event and in order. It reads a snapshot: later commits
    /// are not in it, and every ledger in it is whole up to its head.
    pub fn records(&self) -> impl Iterator<Item = Result<LedgerRow, StoreError>> + use<> {
        self.0.db.snapshot().iter(&self.0.ledger).map(|row| {
            let (key, body) = row.into_inner().map_err(failed)?;
            let (event, seq) = parse_ledger_key(&key)
                .ok_or_else(|| StoreError::Damaged("a key of the ledger".into()))?;
            Ok((event, seq, body.to_vec()))
        })
    }
}
