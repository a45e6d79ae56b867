//! Everything that reads what others wrote, as functions that take any bytes and panic when something does not hold. The tests of
//! this crate run them on the corpus and on what random changes make of it; the fuzzers in `fuzz` run the same functions.
#![allow(clippy::unwrap_used)]

mod database_url;
mod headers;
mod http_call;
mod ledger;
mod names;
mod record;
mod settings;

pub use database_url::database_url;
pub use headers::headers;
pub use http_call::http_call;
pub use ledger::ledger;
pub use names::names;
pub use record::record;
pub use settings::settings;

/// What is run on any bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `corpus`.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "database_url", run: database_url },
    Target { name: "headers", run: headers },
    Target { name: "http_call", run: http_call },
    Target { name: "ledger", run: ledger },
    Target { name: "names", run: names },
    Target { name: "record", run: record },
    Target { name: "settings", run: settings },
];
