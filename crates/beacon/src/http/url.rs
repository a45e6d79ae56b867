//! URLs of relays.

use std::fmt;

use http::{Uri, uri::Scheme};
use thiserror::Error;

use crate::chain::Chain;

/// The most relays. Each may take its full timeout.
const RELAYS_MAX: usize = 16;

/// Why URLs of relays are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlError {
    /// There are none, or too many.
    #[error("{0} URLs of relays; expected 1 to {RELAYS_MAX}")]
    Count(usize),
    /// One is not the URL of a relay. It is not shown, because it may contain a password.
    #[error(
        "URL {position} of a relay is not accepted; expected https://host and an optional path, \
         without user, query and fragment"
    )]
    Invalid {
        /// The position of the URL, from 1.
        position: usize,
    },
}

/// Whether connections must have TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// They must.
    Tls,
    /// They need not.
    Any,
}

/// The base URL of a relay, without a slash at its end.
#[derive(Debug)]
pub struct RelayUrl(String);

impl RelayUrl {
    /// The URL of a round.
    pub fn round(&self, chain: &Chain, round: u64) -> String {
        format!("{}/{}/public/{round}", self.0, chain.hash_hex())
    }
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Reads the URLs of relays.
pub fn parse_all<'a>(
    urls: impl ExactSizeIterator<Item = &'a str>,
    security: Security,
) -> Result<Vec<RelayUrl>, UrlError> {
    if !(1..=RELAYS_MAX).contains(&urls.len()) {
        return Err(UrlError::Count(urls.len()));
    }
    let read = |(index, url)| parse(url, security).ok_or(UrlError::Invalid { position: index + 1 });
    urls.enumerate().map(read).collect()
}

fn parse(text: &str, security: Security) -> Option<RelayUrl> {
    if text.contains(['@', '?', '#']) {
        return None;
    }
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme()?;
    let is_allowed =
        *scheme == Scheme::HTTPS || (*scheme == Scheme::HTTP && security == Security::Any);
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    (is_allowed && has_host).then(|| RelayUrl(text.trim_end_matches('/').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clean_urls_with_tls_are_accepted() {
        for url in ["https://api.drand.sh", "https://relay.example:6875", "HTTPS://a/drand/"] {
            assert!(parse(url, Security::Tls).is_some(), "{url}");
        }
        for url in [
            "",
            "api.drand.sh",
            "/public",
            "http://api.drand.sh",
            "ftp://api.drand.sh",
            "https://",
            "https:///public",
            "https://user@api.drand.sh",
            "https://api.drand.sh?a=b",
            "https://api.drand.sh#a",
            "https://api.drand.sh/a b",
        ] {
            assert!(parse(url, Security::Tls).is_none(), "{url}");
        }
        assert!(parse("http://127.0.0.1:80", Security::Any).is_some());
        assert!(parse("ftp://127.0.0.1", Security::Any).is_none());
    }

    #[test]
    fn urls_are_counted_and_a_wrong_one_is_not_shown() {
        let of = |urls: &[&'static str]| {
            parse_all(urls.iter().copied(), Security::Tls).map(|urls| urls.len())
        };
        assert_eq!(of(&[]), Err(UrlError::Count(0)));
        assert_eq!(of(&["https://a"; 17]), Err(UrlError::Count(17)));
        let error = of(&["https://a", "https://user:secret@b"]).unwrap_err();
        assert_eq!(error, UrlError::Invalid { position: 2 });
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn round_has_the_path_of_drand() {
        let url = parse("https://relay.example/drand/", Security::Tls).unwrap();
        assert_eq!(
            url.round(&Chain::QUICKNET, 7),
            "https://relay.example/drand/52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971/public/7"
        );
    }
}
