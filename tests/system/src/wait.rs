//! Waiting for something to become true.

use std::time::{Duration, Instant};

/// Waits until `condition` holds, at most `limit`.
///
/// # Panics
/// When it does not hold in time; `what` says what did not happen.
pub async fn until(what: &str, limit: Duration, condition: impl AsyncFn() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
