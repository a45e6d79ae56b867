//! The command `buy`: buys tickets from a running system. Smoke tests and the chart's test use it
//! in images without `curl`.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use backon::{ConstantBuilder, Retryable};
use clap::Args;
use config::{ConfigError, Source};
use http::{StatusCode, header::RETRY_AFTER};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::{Instant, timeout};
use vacancy_service::settings::DeploymentMode;

use crate::settings::TicketArgs;

/// The timeout of one try.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause between tries if the response names none.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest `Retry-After` that is followed.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// The longest body that is read, bytes.
const RESPONSE_BYTES_MAX: usize = 65_536;

/// What to buy, and where.
#[derive(Args, Debug)]
pub struct PurchaseArgs {
    /// URL of the service that sells, without a path (default: the service on this machine, by
    /// DEPLOYMENT_MODE, HOST and the port of that mode)
    #[arg(long)]
    pub url: Option<reqwest::Url>,
    /// Number of tickets
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub qty: u64,
    /// Customer id, required by events with a limit per customer
    #[arg(long)]
    pub customer: Option<String>,
    /// Seconds to retry while there is no response or the response asks for a retry
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3_600))]
    pub wait_s: u64,
}

impl PurchaseArgs {
    /// Where to buy: at the given URL, or at the service that the settings in `source` describe.
    ///
    /// # Errors
    /// The first setting that is wrong; none is read when there is a URL.
    pub fn target(
        &self,
        source: impl FnOnce() -> Result<Source, ConfigError>,
    ) -> Result<String, ConfigError> {
        if let Some(url) = &self.url {
            return Ok(url.as_str().trim_end_matches('/').to_owned());
        }
        let settings = config::read::<TicketArgs>(&source()?)?;
        let (name, port) = match settings.vacancy.stock.deployment_mode {
            DeploymentMode::Monolith => ("MONOLITH_PORT", settings.monolith_port),
            DeploymentMode::Microservices => ("TICKET_PORT", settings.ticket_port),
        };
        if port == 0 {
            return Err(ConfigError::Refused {
                name: name.to_owned(),
                reason: "the service chose its port itself: give its URL with --url".to_owned(),
            });
        }
        let host = reachable(&settings.vacancy.http.host);
        Ok(format!("http://{host}:{port}"))
    }
}

/// The host under which a service that listens on `host` is reached from the same machine.
pub(crate) fn reachable(host: &str) -> String {
    match host.parse::<IpAddr>() {
        // Every address, IPv4 included.
        Ok(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => host.to_owned(),
    }
}

/// A successful purchase.
#[derive(Debug)]
pub struct Bought {
    qty: u64,
    reservation: String,
    remaining: u64,
    tries: u32,
}

impl fmt::Display for Bought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { qty, reservation, remaining, tries } = self;
        write!(f, "bought {qty}, reservation {reservation}, {remaining} left, on try {tries}")
    }
}

/// The reason why nothing was bought.
#[derive(Debug, Error)]
pub enum BuyError {
    /// The HTTP client could not be created.
    #[error("cannot create the HTTP client: {0}")]
    Setup(#[source] reqwest::Error),
    /// The system works and has too few tickets left.
    #[error("not sold: {message}, {remaining} left")]
    SoldOut { message: String, remaining: u64 },
    /// A refusal that a retry would not change.
    #[error("refused with {status}: {detail}")]
    Refused { status: u16, detail: String },
    /// No try succeeded in time. The last one may have taken effect; retry with its key to find
    /// out.
    #[error("failed after {tries} tries with key {key}: {why}")]
    GaveUp { tries: u32, key: String, why: String },
}

/// Buys tickets at `url`. All tries have the same key, so at most one purchase takes effect.
///
/// # Errors
/// [`BuyError`].
pub async fn buy(args: &PurchaseArgs, url: &str) -> Result<Bought, BuyError> {
    let client = Client::builder()
        .connect_timeout(TRY_TIMEOUT)
        .no_proxy()
        .build()
        .map_err(BuyError::Setup)?;
    let key = format!("buy-{:032x}", rand::random::<u128>());
    let deadline = Instant::now() + Duration::from_secs(args.wait_s);
    let mut tries = 0;
    let attempts = || {
        tries += 1;
        try_once(&client, (args, url), &key, tries)
    };
    let result = attempts
        .retry(ConstantBuilder::new().with_delay(PAUSE).without_max_times())
        .when(|failure| matches!(failure, Failure::Retryable { .. }))
        .adjust(|failure, pause| {
            let pause = failure.pause().or(pause)?;
            (Instant::now() + pause <= deadline).then_some(pause)
        })
        .await;
    result.map_err(|failure| match failure {
        Failure::Final(error) => error,
        Failure::Retryable { why, .. } => BuyError::GaveUp { tries, key: key.clone(), why },
    })
}

/// The failure of one try.
enum Failure {
    Final(BuyError),
    Retryable { why: String, pause: Duration },
}

impl Failure {
    fn pause(&self) -> Option<Duration> {
        match self {
            Self::Final(_) => None,
            Self::Retryable { pause, .. } => Some(*pause),
        }
    }
}

async fn try_once(
    client: &Client,
    args: (&PurchaseArgs, &str),
    key: &str,
    tries: u32,
) -> Result<Bought, Failure> {
    timeout(TRY_TIMEOUT, attempt(client, args, key, tries)).await.unwrap_or_else(|_| {
        let why = format!("no response within {} s", TRY_TIMEOUT.as_secs());
        Err(Failure::Retryable { why, pause: PAUSE })
    })
}

async fn attempt(
    client: &Client,
    (args, url): (&PurchaseArgs, &str),
    key: &str,
    tries: u32,
) -> Result<Bought, Failure> {
    let url = format!("{url}/api/v1/purchase");
    let mut body = json!({"qty": args.qty});
    if let Some(customer) = &args.customer {
        body["customer"] = customer.as_str().into();
    }
    let retryable = |error: &dyn std::error::Error| Failure::Retryable {
        why: with_causes(error),
        pause: PAUSE,
    };
    let request = client.post(url).header("idempotency-key", format!("\"{key}\"")).json(&body);
    let response = request.send().await.map_err(|error| retryable(&error))?;
    let (status, pause) = (response.status(), pause_of(&response));
    let body_json = read(response).await.map_err(|error| retryable(&error))?;
    match status {
        StatusCode::OK if body_json["success"] == true => {
            let reservation =
                body_json["reservation_id"].as_str().unwrap_or("without id").to_owned();
            Ok(Bought {
                qty: args.qty,
                reservation,
                remaining: body_json["remaining"].as_u64().unwrap_or_default(),
                tries,
            })
        }
        StatusCode::OK => {
            let message =
                body_json["message"].as_str().unwrap_or("the response gives no reason").to_owned();
            Err(Failure::Final(BuyError::SoldOut {
                message,
                remaining: body_json["remaining"].as_u64().unwrap_or_default(),
            }))
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(Failure::Retryable { why: describe(status, &body_json), pause })
        }
        status if status.is_server_error() => {
            Err(Failure::Retryable { why: describe(status, &body_json), pause })
        }
        status => Err(Failure::Final(BuyError::Refused {
            status: status.as_u16(),
            detail: detail(&body_json),
        })),
    }
}

fn pause_of(response: &Response) -> Duration {
    let named =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    named.map_or(PAUSE, |seconds: u64| Duration::from_secs(seconds).clamp(PAUSE, PAUSE_MAX))
}

/// Returns the body as JSON, or null if it is not JSON.
async fn read(mut response: Response) -> Result<Value, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > RESPONSE_BYTES_MAX {
            break;
        }
    }
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

fn describe(status: StatusCode, body_json: &Value) -> String {
    format!("{}: {}", status.as_u16(), detail(body_json))
}

/// Why a service refused.
pub(crate) fn detail(body_json: &Value) -> String {
    body_json["detail"].as_str().unwrap_or("the response has no detail").to_owned()
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
