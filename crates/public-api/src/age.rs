//! How old a read is that the store could not refresh.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

/// The header `Age` (RFC 9111) of a stale read, in seconds; no header when the read is current.
pub fn age(stale: Option<Duration>) -> HeaderMap {
    stale.map(|age| (header::AGE, HeaderValue::from(age.as_secs()))).into_iter().collect()
}
