//! What may stand between the services: it passes requests on, and in some scenarios delivers one
//! again, whole, when everybody has forgotten it.

use std::{
    sync::{Arc, Mutex, PoisonError},
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
    vacancy,
    world::Scenario,
};

/// Where it listens.
pub const PORT: u16 = 8001;
/// Its name in the network.
pub const HOST: &str = "relay";
/// Part of the requests that are delivered twice, where any are.
const AGAIN: f64 = 0.15;
const AGAIN_AFTER_MAX_MS: u64 = 2_500;
const BODY_MAX: usize = 1 << 20;

/// How many requests were delivered twice, in all its lives.
pub type Again = Arc<Mutex<u64>>;

#[derive(Clone)]
struct Relay {
    pool: Pool,
    rng: Arc<Mutex<StdRng>>,
    duplicates: bool,
    again: Again,
}

/// From the start of the process until it is killed.
///
/// # Errors
/// When it cannot listen.
pub async fn process(again: Again, scenario: Scenario, start: u64) -> turmoil::Result {
    let rng = StdRng::seed_from_u64(scenario.seed.wrapping_mul(7).wrapping_add(start));
    let pool = network::pool(Duration::from_millis(200));
    let relay =
        Relay { pool, rng: Arc::new(Mutex::new(rng)), duplicates: scenario.duplicates, again };
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
    relay.perhaps_again(&request);
    match relay.pool.request(request).await {
        Ok(response) => response.map(Body::new),
        // As a proxy does: it cannot know whether vacancy has seen it.
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}

impl Relay {
    fn perhaps_again(&self, request: &http::Request<Full<Bytes>>) {
        let after_ms = {
            let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
            if !self.duplicates || !rng.random_bool(AGAIN) {
                return;
            }
            rng.random_range(0..AGAIN_AFTER_MAX_MS)
        };
        *self.again.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let (pool, request) = (self.pool.clone(), request.clone());
        // Nobody hears its answer.
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
            drop(pool.request(request).await);
        });
    }
}
