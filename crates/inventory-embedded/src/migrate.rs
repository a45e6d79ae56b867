//! Migrates an older format: all state follows from the ledger and is derived again.

use inventory_store::{ReplayError, Replayer};

use crate::{errors::failed, options::EmbeddedOptions, store::EmbeddedStore, tables::Tables};

/// Clears the tables that follow from the ledgers and derives them again.
///
/// # Errors
/// [`ReplayError`] when a ledger is not whole, or the store failed.
pub fn rebuild_state(tables: &Tables, options: &EmbeddedOptions) -> Result<u64, ReplayError> {
    for table in tables.derived() {
        table.clear().map_err(failed)?;
    }
    let mut replayer = Replayer::new(EmbeddedStore::over(tables.clone(), options)?);
    let ledger = tables.ledger.clone();
    let count = inventory_store::block_on(async move {
        for row in ledger.iter() {
            replayer.push(&row.value().map_err(failed)?).await?;
        }
        Ok::<_, ReplayError>(replayer.finish().await?.1)
    })?;
    tables.sync().map_err(failed)?;
    Ok(count)
}
