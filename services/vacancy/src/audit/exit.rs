//! Exit codes of `verify` and `export`.

use std::process::ExitCode;

use inventory_audit::verify::VerifyError;
use inventory_postgres::UrlError;
use telemetry::console::print_message;

use super::source::LedgerLocation;

/// A ledger violates a rule.
const VIOLATED: u8 = 1;
/// The ledgers cannot be read.
const UNREADABLE: u8 = 2;

pub fn unusable_url(error: &UrlError) -> ExitCode {
    print_message(&format_args!("--store-url: {error}"));
    ExitCode::from(UNREADABLE)
}

pub fn failed(place: &LedgerLocation, error: &VerifyError) -> ExitCode {
    print_message(&format_args!("{place}: {error}"));
    ExitCode::from(if matches!(error, VerifyError::Violation(_)) { VIOLATED } else { UNREADABLE })
}
