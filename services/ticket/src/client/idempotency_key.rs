//! Idempotency keys as header values.

use http::HeaderName;
use inventory::IdempotencyKey;

/// The header that carries a key, in calls to vacancy and in responses to buyers.
pub const IDEMPOTENCY_KEY: HeaderName = http_server::extract::IdempotencyKey::HEADER;

/// Returns `key` as a structured-field string (RFC 9651). The bare form cannot express every key.
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
