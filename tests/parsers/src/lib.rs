//! Everything that reads what others wrote, as functions that take any bytes and panic when something does not hold. The tests of
//! this crate run them on the corpus and on what random changes make of it; the fuzzers in `fuzz` run the same functions.
#![allow(clippy::unwrap_used)]

mod control;
mod database_url;
mod forwarded;
mod headers;
mod http_call;
mod ledger;
mod names;
mod pages;
mod quantity;
mod record;
mod rows;
mod settings;
mod ticket_system;

pub use control::control;
pub use database_url::database_url;
pub use forwarded::forwarded;
pub use headers::headers;
pub use http_call::http_call;
pub use ledger::ledger;
pub use names::names;
pub use pages::pages;
pub use quantity::quantity;
pub use record::record;
pub use rows::rows;
pub use settings::settings;
pub use ticket_system::ticket_system;

/// `data` with something of the same form in the place of `secret`, wherever that is.
fn without(data: &[u8], secret: &str) -> Vec<u8> {
    let (mut rest, mut other) = (data, Vec::with_capacity(data.len()));
    while let Some((first, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(secret.as_bytes()) {
            other.extend(secret.bytes().map(|byte| if byte.is_ascii_alphanumeric() { b'x' } else { byte }));
            rest = behind;
        } else {
            other.push(*first);
            rest = behind;
        }
    }
    other
}

/// What is run on any bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its folder in `corpus`.
    pub name: &'static str,
    /// Panics when something does not hold.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 13] = [
    Target { name: "control", run: control },
    Target { name: "database_url", run: database_url },
    Target { name: "forwarded", run: forwarded },
    Target { name: "headers", run: headers },
    Target { name: "http_call", run: http_call },
    Target { name: "ledger", run: ledger },
    Target { name: "names", run: names },
    Target { name: "pages", run: pages },
    Target { name: "quantity", run: quantity },
    Target { name: "record", run: record },
    Target { name: "rows", run: rows },
    Target { name: "settings", run: settings },
    Target { name: "ticket_system", run: ticket_system },
];
