//! The command `webhooks`: looks at the receivers of the ledger, tests them and delivers again.

use std::{fmt, time::Duration};

use clap::{Args, Subcommand};
use config::{ConfigError, Source};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use thiserror::Error;
use vacancy_service::settings::DeploymentMode;

use crate::{
    TicketSettings,
    buy::{detail, reachable},
};

/// The timeout of a call: a test waits for the receiver.
const TIMEOUT: Duration = Duration::from_secs(320);

/// What to do with the receivers.
#[derive(Args, Debug)]
pub struct WebhookArgs {
    /// URL of vacancy or of the monolith, without a path (default: by DEPLOYMENT_MODE, the
    /// monolith on this machine or VACANCY_URL)
    #[arg(long, global = true)]
    pub url: Option<reqwest::Url>,
    /// What to do
    #[command(subcommand)]
    pub action: WebhookAction,
}

/// What to do with the receivers.
#[derive(Subcommand, Debug)]
pub enum WebhookAction {
    /// List the receivers: name, status, records that are not delivered yet, URL, last error
    List,
    /// Send a test message. Exit code 0: the receiver accepted it
    Test {
        /// The receiver
        name: String,
    },
    /// Deliver the records of an event again
    Replay {
        /// The receiver
        name: String,
        /// The event
        #[arg(long, default_value = "default")]
        event: String,
        /// Records after this seq; 0 for all of them
        #[arg(long)]
        after: u64,
    },
}

/// Why the command failed.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// No response.
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    /// The service refused.
    #[error("refused with {status}: {detail}")]
    Refused {
        /// The status.
        status: u16,
        /// The reason.
        detail: String,
    },
    /// The receiver did not accept the test message.
    #[error("not delivered: {0}")]
    NotDelivered(String),
}

/// Where the calls go, and the token that they carry.
pub struct Target {
    url: String,
    token: Option<String>,
}

impl WebhookArgs {
    /// The service that the settings in `source` describe, with their admin token.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn target(&self, source: &Source) -> Result<Target, ConfigError> {
        let settings = TicketSettings::from_source(source)?;
        let url = match (&self.url, settings.mode) {
            (Some(url), _) => url.as_str().trim_end_matches('/').to_owned(),
            (None, DeploymentMode::Monolith) => {
                format!("http://{}:{}", reachable(&settings.http.host), settings.port)
            }
            (None, DeploymentMode::Microservices) => settings.link.url.clone(),
        };
        let tokens = settings.vacancy.tokens.admin.current();
        let token = tokens.and_then(|tokens| Some(tokens.first()?.expose().to_owned()));
        Ok(Target { url, token })
    }
}

/// Does it, and returns what to print.
///
/// # Errors
/// [`WebhookError`].
pub async fn run(action: &WebhookAction, target: &Target) -> Result<String, WebhookError> {
    match action {
        WebhookAction::List => {
            let list = call(target, Method::GET, "", None).await?;
            let webhooks = list["webhooks"].as_array().into_iter().flatten();
            Ok(webhooks.map(|webhook| format!("{}\n", Line(webhook))).collect())
        }
        WebhookAction::Test { name } => {
            let result = call(target, Method::POST, &format!("/{name}/test"), None).await?;
            if result["delivered"] == true {
                return Ok(format!("delivered to {name}, status {}\n", result["status"]));
            }
            let why = result["error"].as_str().unwrap_or("the response gives no reason");
            Err(WebhookError::NotDelivered(why.to_owned()))
        }
        WebhookAction::Replay { name, event, after } => {
            let body = json!({"event": event, "after": after});
            let webhook =
                call(target, Method::POST, &format!("/{name}/replay"), Some(body)).await?;
            let lag = &webhook["cursors"][event]["lag"];
            Ok(format!("{name} gets {lag} records of {event} again\n"))
        }
    }
}

async fn call(
    target: &Target,
    method: Method,
    path: &str,
    body: Option<Value>,
) -> Result<Value, WebhookError> {
    let client = Client::builder().no_proxy().timeout(TIMEOUT).build()?;
    let url = format!("{}/api/v1/admin/webhooks{path}", target.url);
    let mut request = client.request(method, url);
    if let Some(token) = &target.token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await?;
    let status = response.status();
    let body: Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
    if status.is_success() {
        return Ok(body);
    }
    Err(WebhookError::Refused { status: status.as_u16(), detail: detail(&body) })
}

/// A receiver in one line.
struct Line<'a>(&'a Value);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |member: &str| self.0[member].as_str().unwrap_or("-");
        let cursors = self.0["cursors"].as_object();
        let lag: u64 = cursors
            .into_iter()
            .flat_map(|all| all.values())
            .filter_map(|one| one["lag"].as_u64())
            .sum();
        write!(f, "{}\t{}\tlag {lag}\t{}", text("name"), text("status"), text("url"))?;
        match self.0["last_error"].as_str() {
            Some(error) => write!(f, "\t{error}"),
            None => Ok(()),
        }
    }
}
