//! The command `verify-draw`: checks the draws of waiting rooms, of a running system or in a file.
//!
//! It shares no code with what draws: `draw-verifier` has the rules.

mod beacons;
mod error;
mod files;
mod ledgers;
mod outcome;
mod place;
mod public;
mod service;

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::Args;
use config::LiveTokens;
use inventory::EventName;

pub use self::{
    error::VerifyDrawError,
    outcome::{Outcome, UNKNOWN},
};
use self::{
    files::read_path,
    ledgers::Ledgers,
    place::Place,
    public::{Published, verify_public},
    service::Service,
};

/// The timeout of a call.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Which draws are checked.
#[derive(Args, Debug)]
#[command(after_help = "Exit codes:
  0  every draw is proved: its order follows from what was published before anybody knew it
  1  something is wrong; each finding is a line that begins with the event and the seq
  2  it cannot be told: the target cannot be read, or the draw is not revealed yet
  3  the draw is in order, and no beacon took part: the holder of the signing key could have known
     the order beforehand")]
pub struct VerifyDrawArgs {
    /// URL of a running system, without a path; or a backup: its folder, or its file; or a file
    /// with a ledger, as bodies of records or as CloudEvents of the sales feed
    pub target: Target,
    /// The event. Required with a URL; default for a file: all events in it
    #[arg(long, value_name = "NAME")]
    pub event: Option<EventName>,
    /// A place: also checks that it takes part, and prints its turn. Needs a URL
    #[arg(long, value_name = "TOKEN")]
    pub place: Option<String>,
    /// File with the admin token: also checks the whole ledger of the event, and so when places
    /// joined, and all passes and sales. Needs the URL of vacancy or of the monolith
    #[arg(long, value_name = "FILE")]
    pub admin_token_file: Option<PathBuf>,
}

/// Where the draws are.
#[derive(Debug, Clone)]
pub enum Target {
    /// A running system.
    Url(String),
    /// A file or a folder.
    Path(PathBuf),
}

impl FromStr for Target {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_url = ["http://", "https://"].iter().any(|scheme| {
            text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        });
        Ok(match is_url {
            true => Self::Url(text.trim_end_matches('/').to_owned()),
            false => Self::Path(text.into()),
        })
    }
}

/// Checks the draws that `args` name.
///
/// # Errors
/// [`VerifyDrawError`] when it cannot be told.
pub async fn verify_draw(args: &VerifyDrawArgs) -> Result<Outcome, VerifyDrawError> {
    match &args.target {
        Target::Path(path) => {
            if args.place.is_some() {
                return Err(VerifyDrawError::NeedsUrl("--place"));
            }
            if args.admin_token_file.is_some() {
                return Err(VerifyDrawError::NeedsUrl("--admin-token-file"));
            }
            read_path(path, args.event.as_ref())
        }
        Target::Url(url) => {
            let event = args.event.as_ref().ok_or(VerifyDrawError::NoEvent)?;
            let token = args.admin_token_file.as_deref().map(admin_token).transpose()?;
            let place = args.place.as_deref().map(|token| Place::of(token, event)).transpose()?;
            let service = Service::new(url, TIMEOUT)?;
            verify_service(&service, event, place.as_ref(), token.as_deref()).await
        }
    }
}

async fn verify_service(
    service: &Service,
    event: &EventName,
    place: Option<&Place>,
    token: Option<&str>,
) -> Result<Outcome, VerifyDrawError> {
    let published = verify_public(service, event, place).await?;
    let Some(token) = token else {
        return published.outcome.ok_or_else(|| {
            VerifyDrawError::Nothing(format!("the waiting room of event {event} has no draw"))
        });
    };
    let ledgers = Ledgers::of_service(service, event, token).await?;
    let Published { outcome, draw } = published;
    let of_ledger = ledgers.finish(draw.as_ref())?;
    Ok(outcome.unwrap_or_default().and(of_ledger))
}

fn admin_token(path: &std::path::Path) -> Result<String, VerifyDrawError> {
    let tokens = LiveTokens::new(None, Some(path.to_owned()))
        .map_err(|error| VerifyDrawError::Token(error.to_string()))?;
    let first = tokens.current().and_then(|tokens| Some(tokens.first()?.expose().to_owned()));
    first.ok_or_else(|| VerifyDrawError::Token(format!("{} has no token", path.display())))
}
