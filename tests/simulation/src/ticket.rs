//! The host that sells: ticket's real calls and its real client of vacancy (batches, circuit
//! breaker, retries), on simulated connections.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use config::Source;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use http_server::{
    app::{AppParts, ServiceInfo, finish},
    health::Health,
    streams::Streams,
};
use prometheus::Registry;
use telemetry::Metrics;
use ticket::{
    TicketSettings,
    client::{BoxFuture, Jitter, RemoteVacancyClient, Transport, TransportError},
};

use crate::{
    network::{self, Pool},
    relay,
    room::Keys,
    scenario::Scenario,
};

/// Where it listens.
pub const PORT: u16 = 8002;
/// Its name in the network.
pub const HOST: &str = "ticket";

/// The metrics of the process, over all restarts.
#[derive(Clone, Default)]
pub struct Registries(Arc<Mutex<Vec<Registry>>>);

impl Registries {
    /// The sum of a metric; of a histogram the sum of what was observed, and how often.
    #[must_use]
    pub fn sum(&self, metric: &str) -> (u64, u64) {
        let starts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut sum, mut count) = (0.0, 0);
        for family in
            starts.iter().flat_map(Registry::gather).filter(|family| family.name() == metric)
        {
            for one in family.get_metric() {
                let histogram = one.get_histogram();
                sum += one.get_counter().get_value() + histogram.get_sample_sum();
                count += histogram.get_sample_count();
            }
        }
        (sum as u64, count)
    }
}

/// From the start of the process until it is killed.
///
/// # Errors
/// When it cannot start.
pub async fn process(
    registries: Registries,
    keys: Keys,
    scenario: Scenario,
    start: u64,
) -> turmoil::Result {
    let calls = (1 + scenario.seed % 3).to_string();
    let url = format!("http://{}:{}", relay::HOST, relay::PORT);
    let keys_file = keys.file();
    let settings = TicketSettings::from_source(&Source::from_pairs([
        ("SIGNING_KEYS_FILE", keys_file.as_str()),
        ("VACANCY_URL", url.as_str()),
        ("VACANCY_TIMEOUT", "0.6"),
        ("VACANCY_RECONNECT_WAIT_S", "0.3"),
        ("VACANCY_CALLS", &calls),
        ("VACANCY_BATCH_MAX", "6"),
        ("VACANCY_QUEUE_MAX", "5"),
        ("BREAKER_FAILURES", "3"),
        ("BREAKER_OPEN_S", "0.2"),
        ("REQUEST_TIMEOUT_S", "2"),
    ]))?;
    let jitter = Jitter::seeded(scenario.seed.wrapping_add(start.wrapping_mul(0x9e37_79b9)));
    let transport = Simulated(network::pool(settings.link.timeout / 4));
    let client = RemoteVacancyClient::with_transport(&settings.link, Arc::new(transport), jitter)?;
    let registry = Registry::new();
    client.register(&registry)?;
    registries.0.lock().unwrap_or_else(PoisonError::into_inner).push(registry);
    let health = Health::new(HOST);
    health.set_ready();
    let streams = Streams::new(settings.http.streams, health.lifecycle().clone())?;
    let state = ticket::service::state(&settings, client, streams);
    let (routes, _) = ticket::service::routes(state).split_for_parts();
    let info = ServiceInfo::new(HOST, "0", "microservices", "simulation");
    let router = finish(
        routes,
        AppParts::new(info, health, Metrics::new(HOST, "0")?, settings.http.requests.clone()),
    );
    network::serve(router, PORT, std::future::pending()).await
}

struct Simulated(Pool);

impl Transport for Simulated {
    fn send(
        &self,
        request: Request<Vec<u8>>,
        bytes_max: usize,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, TransportError>> {
        let request = request.map(|body| Full::new(Bytes::from(body)));
        Box::pin(async move {
            let answer =
                self.0.request(request).await.map_err(|error| match error.is_connect() {
                    true => TransportError::Connect(error.to_string()),
                    false => TransportError::Broken(error.to_string()),
                })?;
            let (parts, body) = answer.into_parts();
            let body = Limited::new(body, bytes_max)
                .collect()
                .await
                .map_err(|error| TransportError::Broken(error.to_string()))?;
            Ok(Response::from_parts(parts, body.to_bytes().to_vec()))
        })
    }
}

/// How long a buyer's purchase takes at most: twice what ticket waits, and the network.
pub const PURCHASE_MAX: Duration = Duration::from_millis(1_500);
