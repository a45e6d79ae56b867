//! The readiness probe of vacancy.
//!
//! If one failed request counted, all ticket pods would leave their Service at once. A refused or
//! broken connection is therefore retried within the same probe, and a timeout counts only if no
//! call has succeeded recently.

use std::{sync::Arc, time::Duration};

use http::{Request, StatusCode, Uri, uri::InvalidUri};
use parking_lot::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

use super::transport::Transport;

/// The time one probe takes at most.
const WINDOW: Duration = Duration::from_millis(900);
/// The pause between two requests of a probe.
const PAUSE: Duration = Duration::from_millis(150);
/// A call that succeeded within this time shows that vacancy works, and is only too busy to answer
/// the probe.
const RECENT: Duration = Duration::from_secs(5);
/// The longest body that is read, bytes. Only the status counts.
const RESPONSE_BYTES_MAX: usize = 4_096;

/// Probes vacancy.
pub struct ReadyProbe {
    transport: Arc<dyn Transport>,
    uri: Uri,
    last_success: Mutex<Option<Instant>>,
}

impl ReadyProbe {
    pub fn new(transport: Arc<dyn Transport>, url: &str) -> Result<Self, InvalidUri> {
        Ok(Self { transport, uri: format!("{url}/ready").parse()?, last_success: Mutex::default() })
    }

    /// Records that a call succeeded.
    pub fn record_success(&self) {
        *self.last_success.lock() = Some(Instant::now());
    }

    /// Checks whether vacancy is ready. The error is the reason why it is not.
    pub async fn check(&self) -> Result<(), &'static str> {
        let deadline = Instant::now() + WINDOW;
        let mut reason = "vacancy does not respond";
        loop {
            let mut request = Request::new(Vec::new());
            *request.uri_mut() = self.uri.clone();
            match timeout_at(deadline, self.transport.send(request, RESPONSE_BYTES_MAX)).await {
                Ok(Ok(response)) if response.status() == StatusCode::OK => return Ok(()),
                Ok(Ok(_)) => reason = "vacancy is not ready",
                Ok(Err(_)) => reason = "vacancy cannot be reached",
                Err(_) if self.succeeded_recently() => return Ok(()),
                Err(_) => return Err(reason),
            }
            if Instant::now() + PAUSE >= deadline {
                return Err(reason);
            }
            sleep(PAUSE).await;
        }
    }

    fn succeeded_recently(&self) -> bool {
        self.last_success.lock().is_some_and(|at| at.elapsed() < RECENT)
    }
}
