//! Whether vacancy is ready. One failed ask tells little, and all tickets at once would leave their
//! Service for it: so a refused or broken connection is asked again within the same probe, and
//! silence counts only when no call has succeeded lately.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, StatusCode, Uri};
use tokio::time::{Instant, sleep, timeout_at};

use super::transport::Transport;

/// How long one probe asks.
const WINDOW: Duration = Duration::from_millis(900);
/// Between two asks.
const PAUSE: Duration = Duration::from_millis(150);
/// Calls that succeeded this long ago speak for a vacancy that is too busy to answer a probe.
const LATELY: Duration = Duration::from_secs(5);

/// What is read of an answer, bytes; only its status counts.
const ANSWER_MAX: usize = 4_096;

/// Asks vacancy.
pub struct ReadyProbe {
    transport: Arc<dyn Transport>,
    uri: Uri,
    answered: Mutex<Option<Instant>>,
}

impl ReadyProbe {
    pub fn new(transport: Arc<dyn Transport>, url: &str) -> Result<Self, http::uri::InvalidUri> {
        Ok(Self { transport, uri: format!("{url}/ready").parse()?, answered: Mutex::default() })
    }

    /// A call succeeded.
    pub fn note_answer(&self) {
        *self.answered.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
            Some(Instant::now());
    }

    /// Whether it is ready; the error says why not.
    pub async fn ask(&self) -> Result<(), &'static str> {
        let deadline = Instant::now() + WINDOW;
        let mut why = "vacancy does not answer";
        loop {
            let mut request = Request::new(Vec::new());
            *request.uri_mut() = self.uri.clone();
            match timeout_at(deadline, self.transport.send(request, ANSWER_MAX)).await {
                Ok(Ok(response)) if response.status() == StatusCode::OK => return Ok(()),
                Ok(Ok(_)) => why = "vacancy is not ready",
                Ok(Err(_)) => why = "vacancy cannot be reached",
                Err(_) if self.answered_lately() => return Ok(()),
                Err(_) => return Err(why),
            }
            if Instant::now() + PAUSE >= deadline {
                return Err(why);
            }
            sleep(PAUSE).await;
        }
    }

    fn answered_lately(&self) -> bool {
        self.answered
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .is_some_and(|at| at.elapsed() < LATELY)
    }
}
