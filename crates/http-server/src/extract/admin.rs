//! The admin token.

use config::Tokens;
use http::{HeaderMap, header};

use crate::problem::Problem;

/// Admits only callers with `Authorization: Bearer <token>` and one of `tokens`.
///
/// # Errors
/// 403 when no token is configured or the token is wrong, 401 when it is missing or malformed.
pub fn require_admin(headers: &HeaderMap, tokens: Option<&Tokens>) -> Result<(), Problem> {
    let Some(tokens) = tokens else {
        return Err(Problem::forbidden("Admin calls are disabled: ADMIN_TOKEN is not configured."));
    };
    let candidate = bearer(headers).ok_or_else(|| {
        Problem::unauthorized("Send the header Authorization: Bearer with the admin token.")
    })?;
    if tokens.matches(candidate) {
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
    use config::Tokens;
    use http::{HeaderMap, HeaderValue, header};

    use super::require_admin;

    fn status(values: &[&'static str], token: Option<&str>) -> u16 {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        let tokens = token.and_then(Tokens::parse);
        require_admin(&headers, tokens.as_ref())
            .map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn only_the_configured_token_passes() {
        assert_eq!(status(&["Bearer right-token-of-tests"], Some("right-token-of-tests")), 200);
        assert_eq!(status(&["bearer right-token-of-tests"], Some("right-token-of-tests")), 200);
        assert_eq!(status(&["Bearer wrong-token-of-tests"], Some("right-token-of-tests")), 403);
        assert_eq!(status(&["Bearer right-token-of-tests"], None), 403);
        let both = "other-token-of-tests,right-token-of-tests";
        for (sent, expected) in [
            ("Bearer right-token-of-tests", 200),
            ("Bearer other-token-of-tests", 200),
            ("Bearer other-token-of-tests,right-token-of-tests", 403),
            ("Bearer ,", 403),
        ] {
            assert_eq!(status(&[sent], Some(both)), expected, "{sent}");
        }
        for missing in [
            &[][..],
            &["Bearer "],
            &["Basic cmlnaHQ="],
            &["right-token-of-tests"],
            &["Bearer right-token-of-tests", "Bearer right-token-of-tests"],
        ] {
            assert_eq!(status(missing, Some("right-token-of-tests")), 401, "{missing:?}");
        }
    }
}
