//! Properties of every parser, as functions of any bytes that panic when a property does not hold.
//!
//! The tests of this crate run the functions on the corpus and on random changes of it; the fuzzers
//! in `fuzz` run the same functions.
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
mod ticket;
mod ticket_system;

/// `data` with every `secret` replaced by text of the same form.
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

/// A function of any bytes.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name and the name of its folder in `corpus`.
    pub name: &'static str,
    /// Panics when the property does not hold.
    pub run: fn(&[u8]),
}

/// Each target is the function of the module with the same name.
macro_rules! targets {
    ($($name:ident)*) => {
        $(pub use $name::$name;)*

        /// All targets.
        pub const TARGETS: &[Target] = &[$(Target { name: stringify!($name), run: $name }),*];
    };
}

targets! { control database_url forwarded headers http_call ledger names pages quantity record rows settings ticket ticket_system }
