//! A relay between the services: it passes requests on, and in some scenarios delivers one again
//! later.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{StatusCode, Uri};
use http_body_util::Full;
use rand::{RngExt, SeedableRng, rngs::StdRng};

use crate::{
    network::{self, Pool},
    scenario::Scenario,
    vacancy,
};

/// Where it listens.
pub const PORT: u16 = 8001;
/// Its name in the network.
pub const HOST: &str = "relay";
/// Share of the requests that are delivered twice, in scenarios with duplicates.
const DUPLICATED: f64 = 0.15;
const DELAY_MAX_MS: u64 = 2_500;
const BODY_MAX: usize = 1 << 20;

/// The number of requests that were delivered twice, over all restarts. Clones share it.
#[derive(Clone, Default)]
pub struct Duplicated(Arc<AtomicU64>);

impl Duplicated {
    /// The number.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct Relay {
    pool: Pool,
    rng: Arc<Mutex<StdRng>>,
    duplicates: bool,
    duplicated: Duplicated,
}

/// From the start of the process until it is killed.
///
/// # Errors
/// When it cannot listen.
pub async fn process(duplicated: Duplicated, scenario: Scenario, start: u64) -> turmoil::Result {
    let rng = StdRng::seed_from_u64(scenario.seed.wrapping_mul(7).wrapping_add(start));
    let pool = network::pool(Duration::from_millis(200));
    let relay =
        Relay { pool, rng: Arc::new(Mutex::new(rng)), duplicates: scenario.duplicates, duplicated };
    network::serve(Router::new().fallback(pass).with_state(relay), PORT, std::future::pending())
        .await
}

async fn pass(State(relay): State<Relay>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let Ok(uri) = format!("http://{}:{}{path}", vacancy::HOST, vacancy::PORT).parse::<Uri>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    parts.uri = uri;
    let request = http::Request::from_parts(parts, Full::new(body));
    relay.maybe_duplicate(&request);
    match relay.pool.request(request).await {
        Ok(response) => response.map(Body::new),
        // As a proxy responds: it does not know whether vacancy has received the request.
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

impl Relay {
    fn maybe_duplicate(&self, request: &http::Request<Full<Bytes>>) {
        let after_ms = {
            let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.duplicates || !rng.random_bool(DUPLICATED) {
                return;
            }
            rng.random_range(0..DELAY_MAX_MS)
        };
        self.duplicated.0.fetch_add(1, Ordering::SeqCst);
        let (pool, request) = (self.pool.clone(), request.clone());
        // Its response is dropped.
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            drop(pool.request(request).await);
        });
    }
}
