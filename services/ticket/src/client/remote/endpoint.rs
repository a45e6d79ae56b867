//! One endpoint of vacancy: its connections, its calls in flight, and whether it gets calls.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::transport::{Transport, TransportError};

/// The time for which an endpoint gets no calls after its first failure. It doubles with each
/// further one.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest such time.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// An endpoint. It is left out at first, until a connection to it has been accepted.
pub struct Endpoint {
    pub ip: IpAddr,
    pub transport: Box<dyn Transport>,
    in_flight: AtomicUsize,
    is_up: AtomicBool,
    state: Mutex<State>,
}

struct State {
    /// Failures since the last response.
    failures: u32,
    /// When a connection is tried again; `None` while one is being tried.
    check_at: Option<Instant>,
    /// When its connections are replaced by new ones.
    renew_at: Instant,
}

impl Endpoint {
    /// An endpoint that has never been used.
    pub fn new(ip: IpAddr, transport: Box<dyn Transport>, renew_at: Instant) -> Arc<Self> {
        let state = State { failures: 0, check_at: Some(Instant::now()), renew_at };
        Arc::new(Self {
            ip,
            transport,
            in_flight: AtomicUsize::new(0),
            is_up: AtomicBool::new(false),
            state: Mutex::new(state),
        })
    }

    pub fn is_up(&self) -> bool {
        self.is_up.load(Relaxed)
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Counts a call in flight, until the returned guard is dropped.
    pub fn begin(self: &Arc<Self>) -> CallGuard {
        self.in_flight.fetch_add(1, Relaxed);
        CallGuard { endpoint: self.clone(), ended: false }
    }

    /// Replaces its connections if they have reached their age. The next ones are due at `next`.
    pub fn renew(&self, next: impl FnOnce() -> Instant) {
        let mut state = self.state.lock();
        if Instant::now() >= state.renew_at {
            state.renew_at = next();
            drop(state);
            self.transport.reconnect();
        }
    }

    /// Returns when a connection to it must be tried. `None`: it is up, or one is being tried.
    pub fn check_at(&self) -> Option<Instant> {
        if self.is_up() { None } else { self.state.lock().check_at }
    }

    /// Claims the check that is due. Returns whether there is one.
    pub fn claim_check(&self) -> bool {
        let mut state = self.state.lock();
        let is_due = !self.is_up() && state.check_at.is_some_and(|at| Instant::now() >= at);
        if is_due {
            state.check_at = None;
        }
        is_due
    }

    /// Ends a check: the endpoint gets calls again if it `accepts` connections.
    pub fn checked(&self, accepts: bool) {
        if accepts {
            self.is_up.store(true, Relaxed);
        } else {
            self.leave_out();
        }
    }

    fn leave_out(&self) {
        let mut state = self.state.lock();
        let pause = PAUSE_FIRST.saturating_mul(1 << state.failures.min(16)).min(PAUSE_MAX);
        state.failures = state.failures.saturating_add(1);
        state.check_at = Some(Instant::now() + pause);
        self.is_up.store(false, Relaxed);
    }

    fn responded(&self) {
        self.is_up.store(true, Relaxed);
        self.state.lock().failures = 0;
    }
}

/// A call in flight.
pub struct CallGuard {
    endpoint: Arc<Endpoint>,
    ended: bool,
}

impl CallGuard {
    /// Ends the call. A refused connection leaves the endpoint out for a while; a broken one says
    /// nothing about the next.
    pub fn end<T>(mut self, result: &Result<T, TransportError>) {
        self.ended = true;
        match result {
            Ok(_) => self.endpoint.responded(),
            Err(TransportError::Connect(_)) => self.endpoint.leave_out(),
            Err(TransportError::Broken(_)) => {}
        }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.endpoint.in_flight.fetch_sub(1, Relaxed);
        // The caller has stopped waiting for the response.
        if !self.ended {
            self.endpoint.leave_out();
        }
    }
}

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use public_api::BoxFuture;

    use super::*;

    struct Never;

    impl Transport for Never {
        fn send(
            &self,
            _: Request<Vec<u8>>,
            _: usize,
        ) -> BoxFuture<'_, Result<Response<Vec<u8>>, TransportError>> {
            Box::pin(std::future::pending())
        }
    }

    fn endpoint() -> Arc<Endpoint> {
        let endpoint = Endpoint::new([127, 0, 0, 1].into(), Box::new(Never), Instant::now());
        assert!(!endpoint.is_up() && endpoint.claim_check() && !endpoint.claim_check());
        endpoint.checked(true);
        endpoint
    }

    fn refused() -> Result<(), TransportError> {
        Err(TransportError::Connect("refused".to_owned()))
    }

    #[tokio::test(start_paused = true)]
    async fn failures_leave_an_endpoint_out_for_growing_times() {
        let endpoint = endpoint();
        endpoint.begin().end(&refused());
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let pause = endpoint.check_at().unwrap() - Instant::now();
            pauses.push(pause.as_millis());
            assert!(!endpoint.is_up() && !endpoint.claim_check(), "not before its time");
            tokio::time::advance(pause).await;
            assert!(endpoint.claim_check());
            endpoint.checked(false);
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    }

    #[tokio::test(start_paused = true)]
    async fn accepted_connection_is_no_response() {
        let endpoint = endpoint();
        // A host that accepts connections and hangs must not get a call every 100 ms.
        for pause_ms in [100, 200, 400] {
            drop(endpoint.begin());
            assert_eq!(endpoint.check_at(), Some(Instant::now() + Duration::from_millis(pause_ms)));
            tokio::time::advance(Duration::from_millis(pause_ms)).await;
            assert!(endpoint.claim_check());
            endpoint.checked(true);
            assert!(endpoint.is_up());
        }
        endpoint.begin().end(&Ok(()));
        endpoint.begin().end(&refused());
        assert_eq!(endpoint.check_at(), Some(Instant::now() + PAUSE_FIRST), "counted from zero");
    }

    #[tokio::test]
    async fn broken_call_keeps_the_endpoint_and_frees_its_place() {
        let endpoint = endpoint();
        let (one, two) = (endpoint.begin(), endpoint.begin());
        assert_eq!(endpoint.in_flight(), 2);
        one.end(&Err::<(), _>(TransportError::Broken("reset".to_owned())));
        two.end(&Ok(()));
        assert_eq!((endpoint.in_flight(), endpoint.is_up()), (0, true));
    }
}
