//! JSON bodies.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use super::{
    body,
    explain::{explain, without_place},
    preconditions::Preconditions,
    query,
    strict_struct::{StrictStruct, from_slice},
};
use crate::problem::Problem;

/// A JSON body. Rejects with 415 (content type), 400 (not JSON), 422 (JSON of another shape; the
/// detail names the member), 413 (too large) or 408 (did not arrive in time). A struct is an
/// object: an array of the values of its members is rejected, and so is a member that is unknown or
/// repeated. A call with a body has no parameters in its query.
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

/// Like [`JsonBody`]; an absent body or `null` is `T::default()`.
#[derive(Debug, Clone)]
pub struct OptionalJson<T>(pub T);

/// A JSON array whose entries are independent: an entry of another shape is a 422 in its own place,
/// and fails no other. Rejects like [`JsonBody`] what is not an array.
#[derive(Debug, Clone)]
pub struct JsonEntries<T>(pub Vec<Result<T, Problem>>);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for JsonEntries<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_content_type(request.headers())?;
        check_head(&request)?;
        parse_entries(&body::read_json(request.into_body()).await?).map(Self)
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_content_type(request.headers())?;
        check_head(&request)?;
        parse(&body::read_json(request.into_body()).await?).map(Self)
    }
}

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let content_type = check_content_type(request.headers());
        check_head(&request)?;
        let bytes = body::read_json(request.into_body()).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        content_type?;
        if bytes.trim_ascii() == b"null" { Ok(Self(T::default())) } else { parse(&bytes).map(Self) }
    }
}

/// A call with a body has no parameters in its query, and there is nothing at the address of a POST
/// that a precondition could be about.
fn check_head(request: &Request) -> Result<(), Problem> {
    query::none(request.uri())?;
    if request.method() != Method::POST {
        return Ok(());
    }
    let unmet = Preconditions::from_headers(request.headers())?.check(false, |_| false);
    unmet.map_err(|_| Problem::precondition_failed("If-Match names what this call does not have."))
}

fn parse<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    from_slice(bytes).map_err(|error| problem::<T>(bytes, &error))
}

/// Parses all entries at once, and each by itself only when that fails.
fn parse_entries<T: DeserializeOwned>(bytes: &Bytes) -> Result<Vec<Result<T, Problem>>, Problem> {
    if let Ok(entries) = from_slice::<Vec<T>>(bytes) {
        return Ok(entries.into_iter().map(Ok).collect());
    }
    // serde_json itself parses raw entries: they would look like structs.
    let entries: Vec<&RawValue> =
        serde_json::from_slice(bytes).map_err(|error| problem::<Vec<T>>(bytes, &error))?;
    Ok(entries.into_iter().map(|entry| parse_entry(entry.get())).collect())
}

/// An entry is JSON already, so one that cannot be read has the wrong content: half of a pair of
/// surrogates, or too many brackets.
fn parse_entry<T: DeserializeOwned>(entry: &str) -> Result<T, Problem> {
    from_slice(entry.as_bytes()).map_err(|error| {
        let problem = problem::<T>(entry.as_bytes(), &error);
        match problem.status() {
            StatusCode::BAD_REQUEST => Problem::validation(format!("{error}.")),
            _ => problem,
        }
    })
}

/// 422 for JSON that is not what the call takes, 400 for a body that is not JSON at all, even if
/// another fault comes first.
#[cold]
fn problem<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> Problem {
    // A number may be too large for us, and is JSON.
    let is_json = error.is_data() || error.to_string().starts_with("number out of range");
    let malformed = |error: &dyn std::fmt::Display| {
        Problem::malformed_json(format!("The body is not valid JSON: {error}."))
    };
    if !is_json {
        return malformed(error);
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        return malformed(&error);
    }
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        return malformed(&error);
    }
    // Parsed again, more slowly, to find the member.
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize::<_, T>(StrictStruct(&mut deserializer));
    Problem::validation(match read {
        Err(error) => {
            let inner = error.inner();
            let message = without_place(inner, inner.line(), inner.column());
            explain(error.path(), &message, "The body", "member")
        }
        Ok(_) => "The body is not what this call takes.".to_owned(),
    })
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Problem> {
    // The comparison covers most requests.
    let plain =
        |value: &HeaderValue| value == "application/json" || value.to_str().is_ok_and(is_json);
    let accepted = headers.get(header::CONTENT_TYPE).is_some_and(plain);
    if accepted {
        Ok(())
    } else {
        Err(Problem::unsupported_media_type("Send the body as Content-Type: application/json."))
    }
}

/// `application/json` or `application/*+json`, with any parameters.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let Some((kind, subtype)) = essence.split_once('/') else { return false };
    let suffix = subtype.rsplit_once('+').map(|(_, suffix)| suffix);
    kind.eq_ignore_ascii_case("application")
        && suffix.unwrap_or(subtype).eq_ignore_ascii_case("json")
}

#[cfg(test)]
mod tests {
    use super::is_json;

    #[test]
    fn json_content_types() {
        for accepted in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
            "application/json;",
        ] {
            assert!(is_json(accepted), "{accepted}");
        }
        for refused in [
            "",
            "json",
            "text/json",
            "application/jsonp",
            "text/plain",
            "application/xml",
            "application/json+xml",
        ] {
            assert!(!is_json(refused), "{refused}");
        }
    }
}
