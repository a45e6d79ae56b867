//! Why an open stock backend closes.

use inventory_store::StoreError;

use crate::control::Restored;

/// Why an open stock backend has to close.
pub enum Closing {
    /// The store failed: end the process, recovery decides.
    Failed(StoreError),
    /// A restored store is complete: close, accept it, and open again.
    Restored(Restored),
}
