//! The readiness probe of vacancy.
//!
//! If one failed request counted, all ticket pods would leave their Service at once. A refused or
//! broken connection is therefore retried within the same probe, and a timeout counts only if no
//! call has succeeded recently.

use std::{borrow::Cow, sync::Arc, time::Duration};

use http::{Request, Response, Uri, uri::InvalidUri};
use http_server::middleware::HOPS;
use parking_lot::Mutex;
use public_api::Ready;
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    identity::{Answer, judge_ready, judge_start_page},
    transport::{Transport, TransportError},
};

/// The time one probe takes at most.
const WINDOW: Duration = Duration::from_millis(900);
/// The time one request of a probe takes at most, if another endpoint can be asked.
const ATTEMPT: Duration = Duration::from_millis(300);
/// The pause between two requests of a probe.
const PAUSE: Duration = Duration::from_millis(150);
/// A call that succeeded within this time shows that vacancy works, and is only too busy to answer
/// the probe.
const RECENT: Duration = Duration::from_secs(5);
/// The longest body that is read, bytes.
const RESPONSE_BYTES_MAX: usize = 16_384;

/// Probes vacancy.
pub struct ReadyProbe {
    transport: Arc<dyn Transport>,
    ready: Uri,
    start_page: Uri,
    last_success: Mutex<Option<Instant>>,
}

impl ReadyProbe {
    pub fn new(transport: Arc<dyn Transport>, url: &str) -> Result<Self, InvalidUri> {
        let uri = |path: &str| format!("{url}{path}").parse();
        let (ready, start_page) = (uri("/ready")?, uri("/")?);
        Ok(Self { transport, ready, start_page, last_success: Mutex::default() })
    }

    /// Records that a call succeeded.
    pub fn record_success(&self) {
        *self.last_success.lock() = Some(Instant::now());
    }

    /// Checks whether vacancy is ready. The error is the reason why it is not.
    pub async fn check(&self) -> Result<Ready, Cow<'static, str>> {
        let end = Instant::now() + WINDOW;
        let mut reason = Cow::Borrowed("vacancy does not respond");
        loop {
            let deadline =
                if self.transport.endpoints().known > 1 { Instant::now() + ATTEMPT } else { end };
            match timeout_at(deadline.min(end), self.ask()).await {
                Ok(Ok(Answer::Ready(ready))) => return Ok(ready),
                Ok(Ok(Answer::Other(other))) => {
                    // The next probe must not reach the same host over a connection that is open.
                    self.transport.reconnect();
                    return Err(other);
                }
                Ok(Ok(Answer::NotReady | Answer::Unnamed)) => {
                    reason = Cow::Borrowed("vacancy is not ready");
                }
                Ok(Err(_)) => reason = Cow::Borrowed("vacancy cannot be reached"),
                Err(_) if Instant::now() + PAUSE < end => {}
                Err(_) if self.succeeded_recently() => return Ok(Ready::default()),
                Err(_) => return Err(reason),
            }
            if Instant::now() + PAUSE >= end {
                return Err(reason);
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks once. A release of vacancy that does not say its name on /ready says it on `/`.
    async fn ask(&self) -> Result<Answer, TransportError> {
        let answer = judge_ready(&self.get(&self.ready).await?);
        if answer != Answer::Unnamed {
            return Ok(answer);
        }
        Ok(judge_start_page(&self.get(&self.start_page).await?))
    }

    async fn get(&self, uri: &Uri) -> Result<Response<Vec<u8>>, TransportError> {
        let mut request = Request::new(Vec::new());
        *request.uri_mut() = uri.clone();
        // A ticket service refuses the probe of another one, so that no circle of probes begins.
        request.headers_mut().insert(HOPS, 1.into());
        self.transport.send(request, RESPONSE_BYTES_MAX).await
    }

    fn succeeded_recently(&self) -> bool {
        self.last_success.lock().is_some_and(|at| at.elapsed() < RECENT)
    }
}
