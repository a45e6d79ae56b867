//! The commands of the binaries besides serving.

mod check;
mod error;
mod openapi;
mod stock;
mod transfer;
mod warnings;

pub use check::{StockSummary, print_check};
pub use error::CommandError;
pub use openapi::print_openapi;
pub use stock::StockCommand;
pub use transfer::{Moved, run_backup, run_migrate, run_restore};
pub use warnings::print_warnings;
