//! The calls about holds.

pub mod confirm;
pub mod create;
pub mod extend;
pub mod get;
pub mod payment;
pub mod release;

use http_server::Problem;
use inventory::Limits;

/// A time to live in milliseconds, when it is within the limits.
fn ttl_ms(limits: &Limits, ttl_s: u64) -> Result<u64, Problem> {
    let ttl_max_s = limits.hold_ttl_max_ms / 1_000;
    if (1..=ttl_max_s).contains(&ttl_s) {
        Ok(ttl_s * 1_000)
    } else {
        Err(Problem::validation(format!("ttl_s must be between 1 and {ttl_max_s}.")))
    }
}
