//! Why a run could not be made; what a run finds is in its report.

use thiserror::Error;

#[derive(Debug, Error)]
pub enum Error {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("HTTP: {0}")]
    Http(#[from] reqwest::Error),
    #[error("{0} did not start:\n{1}")]
    NotStarted(&'static str, String),
    #[error("{call}: {reply}")]
    Setup { call: String, reply: String },
    #[error("no usable response to {call} within {limit_s} s")]
    Unanswered { call: String, limit_s: u64 },
    #[error("the ledger: {0}")]
    Ledger(String),
}
