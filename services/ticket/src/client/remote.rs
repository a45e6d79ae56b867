//! vacancy over HTTP.

use std::time::Duration;

use http::StatusCode;
use http::header::RETRY_AFTER;
use inventory::IdempotencyKey;
use reqwest::{Client, Response};
use serving::extract::CallerDeadline;
use serving::problem::ProblemDetails;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use vacancy::wire::{ReserveAnswer, ReserveBody};

use super::refusals::{passed_on, rate_limited};
use super::{BoxFuture, ClientError, IDEMPOTENCY_KEY, Order, VacancyClient, quoted};
use crate::settings::VacancyLink;

/// How long a readiness check may take.
const READY_TIMEOUT: Duration = Duration::from_secs(1);
/// The longest answer that is read, bytes.
const ANSWER_MAX: usize = 65_536;

/// The client could not be made.
#[derive(Debug, Error)]
#[error("the client for vacancy cannot be made: {0}")]
pub struct SetupError(#[from] reqwest::Error);

/// Calls vacancy over a pool of connections.
pub struct RemoteVacancyClient {
    client: Client,
    link: VacancyLink,
    reserve_url: String,
    ready_url: String,
    /// One permit for each call at once.
    calls: Semaphore,
}

impl RemoteVacancyClient {
    /// A client for `link`.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(link: VacancyLink) -> Result<Self, SetupError> {
        let client = Client::builder()
            .pool_max_idle_per_host(link.keepalive_max)
            .pool_idle_timeout(Duration::from_secs(30))
            .connect_timeout(link.timeout)
            .tcp_nodelay(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            client,
            reserve_url: format!("{}/api/v1/reserve", link.url),
            ready_url: format!("{}/ready", link.url),
            calls: Semaphore::new(link.connections_max),
            link,
        })
    }

    async fn reserve(&self, order: Order) -> Result<ReserveAnswer, ClientError> {
        let deadline = Instant::now() + self.link.timeout;
        let Ok(Ok(_permit)) = timeout_at(deadline, self.calls.acquire()).await else {
            return Err(ClientError::Overloaded { retry_after_s: 1 });
        };
        let body = ReserveBody { qty: order.qty, customer: order.customer };
        // What vacancy has not decided when nobody waits for it any more, it shall not sell.
        let left_ms = deadline.saturating_duration_since(Instant::now()).as_millis() as u64;
        let mut request = self.client.post(&self.reserve_url).headers(order.trace).header(CallerDeadline::HEADER, left_ms).json(&body);
        if let Some(key) = order.key {
            request = request.header(IDEMPOTENCY_KEY, quoted(&key));
        }
        let answered = timeout_at(deadline, async { read(request.send().await?).await });
        match answered.await {
            Ok(Ok(read)) => answer(&read),
            Ok(Err(error)) if error.is_connect() => Err(ClientError::Unreachable),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a call to vacancy broke off");
                Err(ClientError::Unknown)
            }
            Err(_) => Err(ClientError::Unknown),
        }
    }

    async fn ask_ready(&self) -> Result<(), &'static str> {
        match tokio::time::timeout(READY_TIMEOUT, self.client.get(&self.ready_url).send()).await {
            Ok(Ok(response)) if response.status() == StatusCode::OK => Ok(()),
            Ok(Ok(_)) => Err("vacancy is not ready"),
            Ok(Err(_)) => Err("vacancy cannot be reached"),
            Err(_) => Err("vacancy does not answer"),
        }
    }
}

impl VacancyClient for RemoteVacancyClient {
    /// Every call has a key, so that a repetition below or above this layer sells once.
    fn make_key(&self) -> Option<IdempotencyKey> {
        IdempotencyKey::new(&format!("ticket-{:032x}", rand::random::<u128>())).ok()
    }

    fn purchase(&self, order: Order) -> BoxFuture<'_, Result<ReserveAnswer, ClientError>> {
        Box::pin(self.reserve(order))
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), &'static str>> {
        Box::pin(self.ask_ready())
    }
}

/// What is read of an answer.
struct Read {
    status: StatusCode,
    retry_after_s: Option<u32>,
    /// Cut off where it is longer than any answer of vacancy.
    body: Vec<u8>,
}

async fn read(mut response: Response) -> Result<Read, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_MAX {
            break;
        }
    }
    let retry_after_s = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Ok(Read { status: response.status(), retry_after_s, body })
}

fn answer(Read { status, retry_after_s, body }: &Read) -> Result<ReserveAnswer, ClientError> {
    let status = *status;
    if status == StatusCode::OK {
        let answer: ReserveAnswer = serde_json::from_slice(body).map_err(|error| {
            tracing::error!(%error, "vacancy gave an answer that is none");
            ClientError::Unknown
        })?;
        let message = if answer.success { "Purchase successful!".to_owned() } else { answer.message };
        return Ok(ReserveAnswer { message, ..answer });
    }
    let details: Option<ProblemDetails> = serde_json::from_slice(body).ok();
    if status == StatusCode::TOO_MANY_REQUESTS {
        // Whoever said it, vacancy or a proxy, has not let the call in.
        let told_s = details.and_then(|details| details.retry_after_s).or(*retry_after_s);
        return Err(ClientError::Refused { problem: Box::new(rate_limited(told_s.unwrap_or(1))), seq: None });
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        // Only vacancy itself can say that nothing was done; a proxy in between cannot.
        let retry_after_s = details.filter(|details| details.code == "overloaded").map(|details| details.retry_after_s.unwrap_or(1));
        return Err(retry_after_s.map_or(ClientError::Unknown, |retry_after_s| ClientError::Overloaded { retry_after_s }));
    }
    match details.and_then(passed_on) {
        Some((problem, seq)) => Err(ClientError::Refused { problem: Box::new(problem), seq }),
        None => {
            tracing::error!(%status, "vacancy gave an unexpected answer");
            Err(ClientError::Unknown)
        }
    }
}
