//! Who answers at VACANCY_URL: vacancy, another service, or any web server.

use std::borrow::Cow;

use http::{Response, StatusCode};
use public_api::Ready;
use serde::Deserialize;

/// The services that keep a stock: vacancy alone, and the monolith.
const NAMES: [&str; 2] = ["vacancy", "monolith"];
/// The longest name of another service that is shown.
const NAME_LEN_MAX: usize = 32;

/// The meaning of an answer to a probe.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// vacancy is ready.
    Ready(Ready),
    /// vacancy, or a proxy in front of it, says that it is not ready.
    NotReady,
    /// A service is ready that does not say its name here.
    Unnamed,
    /// Another server answers. The reason may be public.
    Other(Cow<'static, str>),
}

/// The members of /ready, of `/` and of a problem that tell services apart.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Members {
    service: Option<String>,
    version: Option<String>,
    code: Option<String>,
    dependencies: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Judges the answer to `GET /ready`.
pub fn judge_ready(response: &Response<Vec<u8>>) -> Answer {
    let status = response.status();
    let Some(members) = members(response) else {
        return if is_unavailable(status) { Answer::NotReady } else { stranger(status) };
    };
    match (&members.service, &members.dependencies) {
        (Some(_), _) => judge_named(members, status),
        _ if members.code.as_deref() == Some("loop_detected") => {
            Answer::Other("VACANCY_URL leads to a ticket service, not to vacancy".into())
        }
        (None, Some(_)) if status == StatusCode::OK => Answer::Unnamed,
        _ if is_unavailable(status) => Answer::NotReady,
        _ => stranger(status),
    }
}

/// Judges the answer to `GET /` of a service that is ready.
pub fn judge_start_page(response: &Response<Vec<u8>>) -> Answer {
    let status = response.status();
    match members(response) {
        Some(members) if members.service.is_some() => judge_named(members, status),
        _ if is_unavailable(status) => Answer::NotReady,
        _ => stranger(status),
    }
}

fn members(response: &Response<Vec<u8>>) -> Option<Members> {
    serde_json::from_slice(response.body()).ok()
}

fn judge_named(members: Members, status: StatusCode) -> Answer {
    let name = members.service.unwrap_or_default();
    if !NAMES.contains(&name.as_str()) {
        let shown = name.len() <= NAME_LEN_MAX
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let name = if shown { name.as_str() } else { "another" };
        return Answer::Other(
            format!("the service {name:?} answers at VACANCY_URL instead of vacancy").into(),
        );
    }
    match members.version {
        Some(version) if status == StatusCode::OK => {
            Answer::Ready(Ready { version: Some(version) })
        }
        Some(_) => Answer::NotReady,
        None => stranger(status),
    }
}

/// Checks for the statuses with which proxies say that vacancy has no ready pod.
fn is_unavailable(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT
    )
}

fn stranger(status: StatusCode) -> Answer {
    let status = status.as_u16();
    Answer::Other(
        format!("another server answers at VACANCY_URL instead of vacancy (status {status})")
            .into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, body: &str) -> Response<Vec<u8>> {
        let mut response = Response::new(body.as_bytes().to_vec());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }

    fn ready(status: u16, body: &str) -> Answer {
        judge_ready(&response(status, body))
    }

    #[test]
    fn only_a_keeper_of_stock_is_ready() {
        for name in NAMES {
            let body = format!(r#"{{"status":"ready","service":"{name}","version":"0.1.0"}}"#);
            let version = Some("0.1.0".to_owned());
            assert_eq!(ready(200, &body), Answer::Ready(Ready { version }));
            assert_eq!(ready(503, &body), Answer::NotReady);
        }
        for (status, body, words) in [
            (200, r#"{"service":"ticket","version":"0.1.0"}"#, r#""ticket""#),
            (503, r#"{"service":"ticket","version":"0.1.0"}"#, r#""ticket""#),
            (200, r#"{"service":"<script>","version":"1"}"#, r#""another""#),
            (200, r#"{"service":"vacancy"}"#, "status 200"),
            (508, r#"{"code":"loop_detected"}"#, "leads to a ticket service"),
            (200, "<html>Welcome</html>", "status 200"),
            (200, r#"{"status":"ready"}"#, "status 200"),
            (200, "[]", "status 200"),
            (404, r#"{"code":"not_found"}"#, "status 404"),
            (301, "", "status 301"),
            (500, "", "status 500"),
        ] {
            match ready(status, body) {
                Answer::Other(reason) => assert!(reason.contains(words), "{reason}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn proxy_without_a_pod_is_not_another_server() {
        for status in [502, 503, 504] {
            assert_eq!(ready(status, "no healthy upstream"), Answer::NotReady);
            assert_eq!(ready(status, r#"{"dependencies":{"store":"down"}}"#), Answer::NotReady);
        }
    }

    #[test]
    fn older_release_says_its_name_on_the_start_page() {
        assert_eq!(
            ready(200, r#"{"status":"ready","dependencies":{"vacancy":"up"}}"#),
            Answer::Unnamed
        );
        let page = |body: &str| judge_start_page(&response(200, body));
        let version = Some("0.0.9".to_owned());
        assert_eq!(
            page(r#"{"service":"vacancy","version":"0.0.9"}"#),
            Answer::Ready(Ready { version })
        );
        for other in ["<html>", "{}", r#"{"service":"ticket","version":"0.0.9"}"#] {
            assert!(matches!(page(other), Answer::Other(_)), "{other}");
        }
    }
}
