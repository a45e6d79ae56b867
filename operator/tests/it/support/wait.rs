use std::{
    fmt::Debug,
    future::Future,
    time::{Duration, Instant},
};

/// Generous: a slow machine must not fail a test, and a passing test never waits for it.
const TIMEOUT: Duration = Duration::from_secs(60);
const PERIOD: Duration = Duration::from_millis(50);

/// Tries until `attempt` gives a value, and returns it; panics with the last reason it gave.
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

/// Waits until `holds`.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    eventually(what, || {
        let held = holds();
        async { if held.await { Ok(()) } else { Err("does not hold") } }
    })
    .await;
}
