//! Spreads calls over the endpoints of vacancy. A call goes to the endpoint with the fewest calls
//! in flight. The module `watch` keeps the list of endpoints current.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use rand::RngExt;
use tokio::{sync::Notify, time::Instant};

use super::{connector::Connector, endpoint::Endpoint, jitter::Jitter};

/// The most endpoints that are used. A name with more addresses is a mistake.
const ENDPOINTS_MAX: usize = 1_024;

/// The endpoints, and what opens connections to them.
pub struct Balancer {
    connector: Arc<dyn Connector>,
    jitter: Arc<Jitter>,
    connection_age: Duration,
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    /// Counts calls, so that endpoints with equally many calls take turns.
    turn: AtomicUsize,
    resolution_fails: AtomicBool,
    is_resolution_asked: AtomicBool,
    /// Wakes the watch.
    wake: Arc<Notify>,
}

impl Balancer {
    /// A balancer without endpoints. Connections are replaced at `connection_age`.
    pub fn new(
        connector: Arc<dyn Connector>,
        jitter: Arc<Jitter>,
        connection_age: Duration,
    ) -> Self {
        Self {
            connector,
            jitter,
            connection_age,
            endpoints: ArcSwap::default(),
            turn: AtomicUsize::new(rand::rng().random_range(0..ENDPOINTS_MAX)),
            resolution_fails: AtomicBool::new(false),
            is_resolution_asked: AtomicBool::new(false),
            wake: Arc::default(),
        }
    }

    /// Returns the endpoint with the fewest calls in flight. One that is left out is used only if
    /// all are. `None` means that there is no endpoint.
    pub fn pick(&self) -> Option<Arc<Endpoint>> {
        let endpoints = self.endpoints.load();
        let turn = self.turn.fetch_add(1, Relaxed);
        let endpoint = least_loaded(&endpoints, turn, Endpoint::is_up)
            .or_else(|| least_loaded(&endpoints, turn, |_| true))?;
        endpoint.renew(|| self.renewal());
        Some(endpoint.clone())
    }

    /// Returns the endpoints.
    pub fn endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.endpoints.load_full()
    }

    /// Takes over the result of a resolution. After an error the endpoints stay as they are: a
    /// name server that does not respond must not stop the sale.
    pub fn resolved(&self, result: io::Result<Vec<IpAddr>>) {
        match result {
            Ok(ips) => {
                self.resolution_fails.store(false, Relaxed);
                self.update(ips);
            }
            Err(error) => {
                if !self.resolution_fails.swap(true, Relaxed) {
                    tracing::warn!(
                        %error,
                        "cannot resolve the host of VACANCY_URL; its last known addresses stay in use"
                    );
                }
            }
        }
    }

    fn update(&self, mut ips: Vec<IpAddr>) {
        ips.sort_unstable();
        ips.dedup();
        ips.truncate(ENDPOINTS_MAX);
        let current = self.endpoints.load_full();
        if current.iter().map(|endpoint| endpoint.ip).eq(ips.iter().copied()) {
            return;
        }
        // An endpoint that is gone is dropped with its connections when its last call has ended.
        let kept = |ip: &IpAddr| current.iter().find(|endpoint| endpoint.ip == *ip).cloned();
        let endpoints: Vec<_> =
            ips.iter().filter_map(|ip| kept(ip).or_else(|| self.open(*ip))).collect();
        tracing::info!(
            endpoints = endpoints.len(),
            before = current.len(),
            "endpoints of vacancy changed"
        );
        self.endpoints.store(Arc::new(endpoints));
    }

    fn open(&self, ip: IpAddr) -> Option<Arc<Endpoint>> {
        match self.connector.open(ip) {
            Ok(transport) => Some(Endpoint::new(ip, transport, self.renewal())),
            Err(error) => {
                tracing::error!(%error, "cannot create the HTTP client for vacancy");
                None
            }
        }
    }

    /// Returns when connections that are opened now are replaced, ± 10 %.
    fn renewal(&self) -> Instant {
        Instant::now() + self.connection_age.mul_f64(0.9 + 0.2 * self.jitter.factor())
    }

    /// Tries a connection to an endpoint that is left out.
    pub async fn check(&self, endpoint: &Endpoint) {
        endpoint.checked(self.connector.accepts(endpoint.ip).await);
        self.wake.notify_one();
    }

    /// Asks for a resolution before the next one is due.
    pub fn ask_resolution(&self) {
        self.is_resolution_asked.store(true, Relaxed);
        self.wake.notify_one();
    }

    /// Checks whether somebody has asked for a resolution.
    pub fn is_resolution_asked(&self) -> bool {
        self.is_resolution_asked.load(Relaxed)
    }

    /// Forgets that somebody has asked.
    pub fn begin_resolution(&self) {
        self.is_resolution_asked.store(false, Relaxed);
    }

    /// Returns what wakes the watch.
    pub fn wake(&self) -> Arc<Notify> {
        self.wake.clone()
    }

    /// Makes further calls use new connections.
    pub fn reconnect(&self) {
        for endpoint in self.endpoints.load().iter() {
            endpoint.transport.reconnect();
        }
        self.ask_resolution();
    }
}

/// Returns the `usable` endpoint with the fewest calls in flight; those with equally many take
/// turns.
fn least_loaded(
    endpoints: &[Arc<Endpoint>],
    turn: usize,
    usable: impl Fn(&Endpoint) -> bool,
) -> Option<&Arc<Endpoint>> {
    let start = turn.checked_rem(endpoints.len())?;
    let (before, from) = endpoints.split_at(start);
    // Among equals, the first one.
    from.iter()
        .chain(before)
        .filter(|endpoint| usable(endpoint))
        .min_by_key(|endpoint| endpoint.in_flight())
}
