//! Conditional reads and writes (RFC 9110, section 13) of resources with entity tags.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use http_server::{
    Problem,
    extract::{Preconditions, Unmet},
};
use serde::Serialize;
use vacancy_api::{Hold, HoldState};

/// The tag of an event's representation. It names the version of the settings, which a PUT goes by,
/// and the record that the counts include, so that it changes with every byte of the body.
#[must_use]
pub fn event_tag(settings_seq: u64, seq: u64, stale: bool) -> String {
    format!("{settings_seq}-{seq}{}", if stale { "-stale" } else { "" })
}

/// Whether `tag` was given to a representation with this version of the settings. Counts have no
/// part in it: a sale must not make an administrator's update fail.
#[must_use]
pub fn is_version(tag: &str, settings_seq: u64) -> bool {
    tag.split('-').next() == Some(settings_seq.to_string().as_str())
}

/// The tag of a hold's representation.
#[must_use]
pub fn hold_tag(hold: &Hold) -> String {
    let state = match hold.state {
        HoldState::Held => "held",
        HoldState::Confirmed => "confirmed",
        HoldState::Released => "released",
        HoldState::Expired => "expired",
        HoldState::Waiting => "waiting",
    };
    format!("{}-{state}", hold.seq)
}

/// `tag` as a header: strong.
#[must_use]
pub fn etag(tag: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{tag}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

/// The response to a GET of `body`: 200, or 304 or 412 by the preconditions. It changes at any
/// moment, so no cache may answer for the service.
///
/// # Errors
/// A 412 problem.
pub fn read(
    conditions: &Preconditions,
    tag: &str,
    body: &impl Serialize,
) -> Result<Response, Problem> {
    let headers =
        [(header::ETAG, etag(tag)), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    match conditions.check(true, |wanted| wanted == tag) {
        Ok(()) => Ok((headers, Json(body)).into_response()),
        Err(Unmet::NoneMatch) => Ok((StatusCode::NOT_MODIFIED, headers).into_response()),
        Err(Unmet::Match) => Err(unmet(Unmet::Match)),
    }
}

/// The 412 of a precondition.
#[must_use]
pub fn unmet(which: Unmet) -> Problem {
    Problem::precondition_failed(match which {
        Unmet::Match => "If-Match names no current version. Read it again.",
        Unmet::NoneMatch => "If-None-Match excludes the current version, which exists.",
    })
}

#[cfg(test)]
mod tests {
    use super::is_version;

    #[test]
    fn a_tag_names_the_version_of_the_settings() {
        for tag in ["7", "7-31", "7-7-stale"] {
            assert!(is_version(tag, 7), "{tag}");
        }
        for tag in ["", "-7", "07", "77-1", "+7", "7.31", "held-7"] {
            assert!(!is_version(tag, 7), "{tag}");
        }
    }
}
