//! Exit codes of `verify` and `export`.

use std::{fmt, process::ExitCode};

use inventory_audit::verify::VerifyError;
use inventory_postgres::UrlError;
use telemetry::console::print_message;

use super::source::LedgerLocation;

/// A ledger violates a rule.
const VIOLATED: u8 = 1;
/// The output cannot be written.
const UNWRITABLE: u8 = 1;
/// The ledgers cannot be read.
const UNREADABLE: u8 = 2;
/// The reader of the output went away: as a shell reports a tool that SIGPIPE ended.
pub const CLOSED_PIPE: u8 = 128 + 13;

pub fn unusable_url(error: &UrlError) -> ExitCode {
    print_message(&format_args!("--store-url: {error}"));
    ExitCode::from(UNREADABLE)
}

pub fn unwritable(error: &impl fmt::Display) -> ExitCode {
    print_message(&format_args!("{error}"));
    ExitCode::from(UNWRITABLE)
}

pub fn failed(place: &LedgerLocation, error: &VerifyError) -> ExitCode {
    print_message(&format_args!("{place}: {error}"));
    ExitCode::from(if matches!(error, VerifyError::Violation(_)) { VIOLATED } else { UNREADABLE })
}
