//! What calls mean that do not say it.

use http_server::Problem;

/// The event of calls that name none.
pub const DEFAULT_EVENT: &str = "default";
/// The stock of calls that name none.
pub const DEFAULT_STOCK: &str = "general";

/// The entries of a page when the caller names no number.
const PAGE_LEN: usize = 100;

/// The number of entries of a page when `requested` were asked for, at most `max`.
///
/// # Errors
/// A 422 problem when that is none, or too many.
pub fn page_len(requested: Option<usize>, max: usize) -> Result<usize, Problem> {
    match requested {
        None => Ok(PAGE_LEN.min(max)),
        Some(len) if (1..=max).contains(&len) => Ok(len),
        Some(_) => Err(Problem::validation(format!("limit must be between 1 and {max}."))),
    }
}
