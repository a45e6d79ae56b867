//! Request headers.

use config::Tokens;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_server::{
    extract::{CallerDeadline, IdempotencyKey, require_admin},
    middleware::{CorsOrigins, TrustedProxies},
};
use inventory::IdempotencyKey as Key;
use vacancy_api::{key_from, quoted};

const TOKEN: &str = "an-admin-token-for-tests";

/// A key is the same quoted and bare, a deadline lies in the future, and only the token authorizes.
/// Other headers are refused with 400, 401 or 403.
///
/// # Panics
/// When that does not hold.
pub fn headers(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let _ = (text.parse::<TrustedProxies>(), text.parse::<CorsOrigins>());
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let with = |name: HeaderName| {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.clone());
        headers
    };
    match IdempotencyKey::from_headers(&with(IdempotencyKey::HEADER)) {
        Ok(key) => {
            let key =
                key_from(key).expect("what the header takes is a key").expect("there was one");
            let again =
                HeaderMap::from_iter([(IdempotencyKey::HEADER, quoted(&key).parse().unwrap())]);
            let again = IdempotencyKey::from_headers(&again).expect("a quoted key is accepted");
            assert_eq!(again.0.as_deref(), Some(key.as_str()), "quoted it is the same");
            assert_eq!(Key::new(key.as_str()), Ok(key));
        }
        Err(problem) => assert_eq!(problem.status(), 400),
    }
    let now = tokio::time::Instant::now();
    match CallerDeadline::from_headers(&with(CallerDeadline::HEADER), now) {
        Ok(deadline) => assert!(deadline.0.is_none_or(|at| at >= now)),
        Err(problem) => assert_eq!(problem.status(), 400),
    }
    let admin = require_admin(&with(header::AUTHORIZATION), Tokens::parse(TOKEN).as_ref());
    let right = data.len() > 7
        && data[..7].eq_ignore_ascii_case(b"bearer ")
        && data[7..].trim_ascii() == TOKEN.as_bytes();
    assert_eq!(admin.is_ok(), right, "{text}");
    assert!(admin.err().is_none_or(|problem| matches!(problem.status().as_u16(), 401 | 403)));
}
