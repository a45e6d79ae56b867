//! fjall's errors as the store's.

use inventory_store::StoreError;

/// A failed read or write of fjall. The state on disk is unknown until the store is opened again.
#[allow(clippy::needless_pass_by_value)] // the form `map_err` wants
pub fn failed(error: fjall::Error) -> StoreError {
    StoreError::Failed(error.to_string().into())
}
