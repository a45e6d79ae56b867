//! Idempotency keys between the header and the engine.

use http_server::{Problem, extract};
use inventory::IdempotencyKey;

/// The engine's form of a key from a request header.
///
/// # Errors
/// A 400 problem when the text is not a key.
pub fn key_from(key: extract::IdempotencyKey) -> Result<Option<IdempotencyKey>, Problem> {
    key.0
        .map(|key| IdempotencyKey::new(&key))
        .transpose()
        .map_err(|error| Problem::bad_request(format!("{error}.")))
}

/// A key as a structured-field string (RFC 9651): the bare form could not carry every key.
#[must_use]
pub fn quoted(key: &IdempotencyKey) -> String {
    let mut quoted = String::with_capacity(key.as_str().len() + 2);
    quoted.push('"');
    for char in key.as_str().chars() {
        if matches!(char, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(char);
    }
    quoted.push('"');
    quoted
}
