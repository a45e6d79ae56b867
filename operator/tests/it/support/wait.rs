//! Waiting for a state of the cluster.

use std::{
    fmt::Debug,
    future::Future,
    time::{Duration, Instant},
};

/// Long enough for a slow machine. A passing test does not reach it.
const TIMEOUT: Duration = Duration::from_secs(60);
const PERIOD: Duration = Duration::from_millis(50);

/// Repeats `attempt` until it returns a value. Panics with the last error after the timeout.
pub async fn eventually<T, E: Debug, F: Future<Output = Result<T, E>>>(
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> T {
    let started = Instant::now();
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) if started.elapsed() > TIMEOUT => {
                panic!("{what}: not within {TIMEOUT:?}, last {error:?}")
            }
            Err(_) => tokio::time::sleep(PERIOD).await,
        }
    }
}

/// Waits until `holds` returns true.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    eventually(what, || {
        let held = holds();
        async { if held.await { Ok(()) } else { Err("does not hold") } }
    })
    .await;
}
