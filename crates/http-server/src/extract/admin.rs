//! The roles of callers, by their bearer tokens.

use config::{LiveTokens, Tokens};
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

/// The tokens of each role; clones share them.
#[derive(Clone, Debug, Default)]
pub struct RoleTokens {
    /// May do everything.
    pub admin: LiveTokens,
    /// May sell, refund and read reservations.
    pub seller: LiveTokens,
    /// The devices at the gate, which will scan tickets.
    pub gate: LiveTokens,
}

/// Who calls, by the token that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// No token.
    Anonymous,
    /// A token that has no role here.
    Unknown,
    /// A device at the gate.
    Gate,
    /// The seller's backend.
    Seller,
    /// An administrator.
    Admin,
}

impl Caller {
    /// The caller with these headers. All tokens are compared, in constant time.
    #[must_use]
    pub fn of(headers: &HeaderMap, tokens: &RoleTokens) -> Self {
        let Some(candidate) = bearer(headers) else { return Self::Anonymous };
        let is_one_of =
            |tokens: &LiveTokens| tokens.current().is_some_and(|tokens| tokens.matches(candidate));
        let roles = [&tokens.admin, &tokens.seller, &tokens.gate].map(is_one_of);
        match roles {
            [true, ..] => Self::Admin,
            [_, true, _] => Self::Seller,
            [.., true] => Self::Gate,
            _ => Self::Unknown,
        }
    }

    /// Whether the caller may sell what only the seller may.
    #[must_use]
    pub fn may_sell(self) -> bool {
        matches!(self, Self::Seller | Self::Admin)
    }

    /// The problem of a caller who may not: 401 without a token, 403 with one of another role.
    #[must_use]
    pub fn not_seller(self) -> Problem {
        match self {
            Self::Anonymous => Problem::unauthorized(
                "Send the header Authorization: Bearer with the seller's token.",
            ),
            Self::Gate => Problem::forbidden(
                "This call needs the token of the seller, and this is that of the gate.",
            ),
            _ => Problem::forbidden("This call needs the token of the seller."),
        }
    }

    /// Admits sellers and administrators.
    ///
    /// # Errors
    /// [`Caller::not_seller`]; 403 if no token of either role is configured.
    pub fn require_seller(self, tokens: &RoleTokens) -> Result<(), Problem> {
        let has_none = [&tokens.admin, &tokens.seller].iter().all(|live| live.current().is_none());
        match self {
            _ if has_none => Err(Problem::forbidden(
                "Calls of the seller are disabled: SELLER_TOKEN is not configured.",
            )),
            Self::Seller | Self::Admin => Ok(()),
            other => Err(other.not_seller()),
        }
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
