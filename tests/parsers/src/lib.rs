//! Everything that reads what others wrote, as functions that take any bytes and panic when
//! something does not hold. The tests of this crate run them on the corpus and on what random
//! changes make of it; the fuzzers in `fuzz` run the same functions.
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

/// `data` with something of the same form in the place of `secret`, wherever that is.
fn without(data: &[u8], secret: &str) -> Vec<u8> {
    let (mut rest, mut other) = (data, Vec::with_capacity(data.len()));
    while let Some((first, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(secret.as_bytes()) {
            other.extend(
                secret.bytes().map(|byte| if byte.is_ascii_alphanumeric() { b'x' } else { byte }),
            );
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

/// Each is the function of its module, and called like it.
macro_rules! targets {
    ($($name:ident)*) => {
        $(pub use $name::$name;)*

        /// All of them.
        pub const TARGETS: &[Target] = &[$(Target { name: stringify!($name), run: $name }),*];
    };
}

targets! { control database_url forwarded headers http_call ledger names pages quantity record rows settings ticket_system }
