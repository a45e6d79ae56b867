//! The stock backend: the engine with its store open, and its operations outside HTTP.

mod closing;
mod default_event;
mod embedded;
mod error;
mod postgres;
mod stock;

pub use closing::Closing;
pub use embedded::accept_restore;
pub use error::OpenError;
pub use stock::StockBackend;
