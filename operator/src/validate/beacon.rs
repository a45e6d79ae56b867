//! Checks the URLs of the beacon. The schema refuses bad ones, but an older schema may not, and the
//! services do not start with them.

use hyper::Uri;

use super::error::ValidationError;
use crate::api::TicketSystemSpec;

const URLS_MAX: usize = 8;

/// Rejects URLs of relays that are not clean https URLs.
pub(super) fn check(spec: &TicketSystemSpec) -> Result<(), ValidationError> {
    let Some(beacon) = &spec.queue.beacon else { return Ok(()) };
    let is_valid = (1..=URLS_MAX).contains(&beacon.urls.len());
    if !is_valid || !beacon.urls.iter().all(|url| is_relay(url)) {
        return Err(ValidationError::BeaconUrls);
    }
    Ok(())
}

fn is_relay(url: &str) -> bool {
    let is_clean = |c: char| !c.is_whitespace() && !c.is_control() && !"@?#,".contains(c);
    let has_host = url.parse::<Uri>().is_ok_and(|uri| uri.host().is_some_and(|it| !it.is_empty()));
    url.starts_with("https://") && has_host && url.chars().all(is_clean)
}
