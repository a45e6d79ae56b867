//! The admin token.

use config::Secret;
use http::{HeaderMap, header};

use crate::problem::Problem;

/// Admits only callers with `Authorization: Bearer <token>`.
///
/// # Errors
/// 403 when no token is configured or the token is wrong, 401 when it is missing or malformed.
pub fn require_admin(headers: &HeaderMap, token: Option<&Secret>) -> Result<(), Problem> {
    let Some(token) = token else {
        return Err(Problem::forbidden("Admin calls are disabled: ADMIN_TOKEN is not configured."));
    };
    let candidate = bearer(headers).ok_or_else(|| {
        Problem::unauthorized("Send the header Authorization: Bearer with the admin token.")
    })?;
    if token.matches(candidate) {
        Ok(())
    } else {
        Err(Problem::forbidden("The admin token is wrong."))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none())?.as_bytes();
    let (scheme, token) = value.split_at_checked(b"Bearer ".len())?;
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"Bearer ") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use config::Secret;
    use http::{HeaderMap, HeaderValue, header};

    use super::require_admin;

    fn status(values: &[&'static str], token: Option<&str>) -> u16 {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        let token = token.map(Secret::new);
        require_admin(&headers, token.as_ref())
            .map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn only_the_configured_token_passes() {
        assert_eq!(status(&["Bearer right"], Some("right")), 200);
        assert_eq!(status(&["bearer right"], Some("right")), 200);
        assert_eq!(status(&["Bearer wrong"], Some("right")), 403);
        assert_eq!(status(&["Bearer right"], None), 403);
        for missing in [
            &[][..],
            &["Bearer "],
            &["Basic cmlnaHQ="],
            &["right"],
            &["Bearer right", "Bearer right"],
        ] {
            assert_eq!(status(missing, Some("right")), 401, "{missing:?}");
        }
    }
}
