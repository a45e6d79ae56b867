//! Buying from a running system, from where there is no `curl`: smoke tests and the chart's test.

use std::{fmt, time::Duration};

use clap::Args;
use http::{StatusCode, header::RETRY_AFTER};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout};

/// How long one try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// Between tries where the answer names no time.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest `Retry-After` that is heeded.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// The longest answer that is read, bytes.
const ANSWER_MAX: usize = 65_536;

/// What to buy, and where.
#[derive(Args, Debug)]
pub struct Purchase {
    /// Where tickets are sold, without a path
    #[arg(long, default_value = "http://127.0.0.1:8002")]
    pub url: reqwest::Url,
    /// How many tickets
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub qty: u64,
    /// Who buys, where the event limits what one customer may buy
    #[arg(long)]
    pub customer: Option<String>,
    /// Seconds to go on trying while nothing answers or the answer says to try again
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3_600))]
    pub wait_s: u64,
}

/// What was bought.
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
        write!(f, "bought {qty}, reservation {reservation}, {remaining} left, at try {tries}")
    }
}

/// Why nothing was bought.
#[derive(Debug, Error)]
pub enum BuyError {
    /// The client cannot be made.
    #[error("no client: {0}")]
    Setup(#[source] reqwest::Error),
    /// The system works and has no such tickets left.
    #[error("not sold: {message}, {remaining} left")]
    SoldOut { message: String, remaining: u64 },
    /// An answer that trying again would not change.
    #[error("refused with {status}: {detail}")]
    Refused { status: u16, detail: String },
    /// No useful answer until the end. Whether the last try bought something may be unknown; its
    /// key tells.
    #[error("{tries} tries with key {key}, the last one: {why}")]
    GaveUp { tries: u32, key: String, why: String },
}

/// Buys, trying again with the same key, so that at most one purchase comes of it.
///
/// # Errors
/// [`BuyError`].
pub async fn buy(purchase: &Purchase) -> Result<Bought, BuyError> {
    let client = Client::builder()
        .connect_timeout(TRY_TIMEOUT)
        .no_proxy()
        .build()
        .map_err(BuyError::Setup)?;
    let key = format!("buy-{:032x}", rand::random::<u128>());
    let deadline = Instant::now() + Duration::from_secs(purchase.wait_s);
    for tries in 1.. {
        let (why, pause) = match timeout(TRY_TIMEOUT, attempt(&client, purchase, &key, tries)).await
        {
            Ok(Ok(bought)) => return Ok(bought),
            Ok(Err(Failed::ForGood(error))) => return Err(error),
            Ok(Err(Failed::ForNow { why, pause })) => (why, pause),
            Err(_) => (format!("no answer within {} s", TRY_TIMEOUT.as_secs()), PAUSE),
        };
        if Instant::now() + pause > deadline {
            return Err(BuyError::GaveUp { tries, key, why });
        }
        sleep(pause).await;
    }
    unreachable!("the loop ends by returning")
}

/// How one try failed.
enum Failed {
    ForGood(BuyError),
    ForNow { why: String, pause: Duration },
}

async fn attempt(
    client: &Client,
    purchase: &Purchase,
    key: &str,
    tries: u32,
) -> Result<Bought, Failed> {
    let url = format!("{}/api/v1/purchase", purchase.url.as_str().trim_end_matches('/'));
    let mut body = json!({"qty": purchase.qty});
    if let Some(customer) = &purchase.customer {
        body["customer"] = customer.as_str().into();
    }
    let for_now =
        |error: &dyn std::error::Error| Failed::ForNow { why: with_causes(error), pause: PAUSE };
    let sent = client.post(url).header("idempotency-key", format!("\"{key}\"")).json(&body).send();
    let response = sent.await.map_err(|error| for_now(&error))?;
    let (status, pause) = (response.status(), pause_of(&response));
    let answer = read(response).await.map_err(|error| for_now(&error))?;
    match status {
        StatusCode::OK if answer["success"] == true => {
            let reservation = answer["reservation_id"].as_str().unwrap_or("without id").to_owned();
            Ok(Bought {
                qty: purchase.qty,
                reservation,
                remaining: answer["remaining"].as_u64().unwrap_or_default(),
                tries,
            })
        }
        StatusCode::OK => {
            let message =
                answer["message"].as_str().unwrap_or("the answer gives no reason").to_owned();
            Err(Failed::ForGood(BuyError::SoldOut {
                message,
                remaining: answer["remaining"].as_u64().unwrap_or_default(),
            }))
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
            Err(Failed::ForNow { why: told(status, &answer), pause })
        }
        status if status.is_server_error() => {
            Err(Failed::ForNow { why: told(status, &answer), pause })
        }
        status => Err(Failed::ForGood(BuyError::Refused {
            status: status.as_u16(),
            detail: detail(&answer),
        })),
    }
}

fn pause_of(response: &Response) -> Duration {
    let named =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    named.map_or(PAUSE, |seconds: u64| Duration::from_secs(seconds).clamp(PAUSE, PAUSE_MAX))
}

/// The answer's JSON; null where it is none.
async fn read(mut response: Response) -> Result<Value, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER_MAX {
            break;
        }
    }
    Ok(serde_json::from_slice(&body).unwrap_or_default())
}

fn told(status: StatusCode, answer: &Value) -> String {
    format!("{}: {}", status.as_u16(), detail(answer))
}

fn detail(answer: &Value) -> String {
    answer["detail"].as_str().unwrap_or("the answer says no more").to_owned()
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
