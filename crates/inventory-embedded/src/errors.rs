//! fjall's errors as the store's.

use inventory_store::StoreError;

/// A read or write that fjall failed. What is on disk is unknown until the store is opened again.
#[allow(clippy::needless_pass_by_value)] // the form `map_err` wants
pub fn failed(error: fjall::Error) -> StoreError {
    StoreError::Failed(error.to_string().into())
}
