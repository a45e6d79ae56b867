//! A receiver, as its owner describes it.

use std::net::IpAddr;

use http::Uri;
use inventory::{EventName, ledger::Change};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use vacancy_api::KIND_PREFIX;

use crate::{address::is_public, secret::Secret, settings::WebhookSettings};

/// The longest URL, bytes.
const URL_BYTES_MAX: usize = 2_048;

/// Why a receiver is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// The URL is not one, or not one of the web.
    #[error(
        "url must be an absolute URL with a host, of at most {URL_BYTES_MAX} bytes, without user or fragment"
    )]
    Url,
    /// Plain HTTP.
    #[error("url must begin with https://")]
    NotHttps,
    /// An address that not everybody can reach.
    #[error("url must not name a private address")]
    Private,
    /// An unknown type.
    #[error("types has an unknown type: {0:?}")]
    Kind(String),
}

/// A receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Where it listens.
    pub url: String,
    /// The event that it wants to hear of; all events otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventName>,
    /// The types that it wants to hear of; all types otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Its secret, in the form that is revealed.
    pub secret: String,
}

impl Endpoint {
    /// Checks what can be known without a connection. The addresses that a name resolves to are
    /// checked at each connection.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn check(&self, settings: &WebhookSettings) -> Result<(), EndpointError> {
        check_url(&self.url, settings)?;
        let is_known = |kind: &String| {
            kind.strip_prefix(KIND_PREFIX).is_some_and(|kind| Change::KINDS.contains(&kind))
        };
        match self.types.iter().find(|kind| !is_known(kind)) {
            Some(kind) => Err(EndpointError::Kind(kind.clone())),
            None => Ok(()),
        }
    }

    /// Whether it wants records of type `kind`.
    #[must_use]
    pub fn wants(&self, kind: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|wanted| wanted == kind)
    }

    /// Its secret.
    #[must_use]
    pub fn secret(&self) -> Option<Secret> {
        Secret::parse(&self.secret).ok()
    }
}

fn check_url(url: &str, settings: &WebhookSettings) -> Result<(), EndpointError> {
    let uri: Uri = url.parse().map_err(|_| EndpointError::Url)?;
    let authority = uri.authority().ok_or(EndpointError::Url)?.as_str();
    let is_visible = url.bytes().all(|byte| byte.is_ascii_graphic());
    if url.len() > URL_BYTES_MAX || !is_visible || authority.contains('@') || url.contains('#') {
        return Err(EndpointError::Url);
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or(EndpointError::Url)?;
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if settings.webhook_allow_http => {}
        Some("http") => return Err(EndpointError::NotHttps),
        _ => return Err(EndpointError::Url),
    }
    if !settings.webhook_allow_private && !is_allowed_host(host) {
        return Err(EndpointError::Private);
    }
    Ok(())
}

/// Whether `host` is a name, or a public address. A client takes only these two forms of an
/// address; what looks like another one is a name, and resolved.
fn is_allowed_host(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(ip) => is_public(ip),
        Err(_) => !host.starts_with('['),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(url: &str, settings: &WebhookSettings) -> Result<(), EndpointError> {
        let endpoint =
            Endpoint { url: url.to_owned(), event: None, types: Vec::new(), secret: String::new() };
        endpoint.check(settings)
    }

    #[test]
    fn urls_lead_to_public_hosts_over_https() {
        let strict = WebhookSettings::default();
        for fine in
            ["https://shop.example", "https://shop.example:8443/hooks?x=1", "https://1.1.1.1/"]
        {
            assert_eq!(check(fine, &strict), Ok(()), "{fine}");
        }
        for (wrong, error) in [
            ("http://shop.example", EndpointError::NotHttps),
            ("https://127.0.0.1/", EndpointError::Private),
            ("https://[::1]/", EndpointError::Private),
            ("https://[fd00::1]:8443/", EndpointError::Private),
            ("https://169.254.169.254/latest", EndpointError::Private),
            ("ftp://shop.example", EndpointError::Url),
            ("file:///etc/passwd", EndpointError::Url),
            ("https://user:pass@shop.example/", EndpointError::Url),
            ("https://shop.example/#x", EndpointError::Url),
            ("/hooks", EndpointError::Url),
            ("shop.example", EndpointError::Url),
            ("https://", EndpointError::Url),
            ("https://shop.example/a b", EndpointError::Url),
            ("", EndpointError::Url),
        ] {
            assert_eq!(check(wrong, &strict), Err(error), "{wrong}");
        }
        let open =
            WebhookSettings { webhook_allow_http: true, webhook_allow_private: true, ..strict };
        assert_eq!(check("http://127.0.0.1:9/hooks", &open), Ok(()));
        let long = format!("https://shop.example/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(check(&long, &open), Err(EndpointError::Url));
    }

    #[test]
    fn types_are_those_of_records() {
        let settings = WebhookSettings::default();
        let mut endpoint = Endpoint {
            url: "https://shop.example".to_owned(),
            event: None,
            types: vec![format!("{KIND_PREFIX}sold")],
            secret: String::new(),
        };
        assert_eq!(endpoint.check(&settings), Ok(()));
        assert!(endpoint.wants("io.ticket-system.ledger.sold"));
        assert!(!endpoint.wants("io.ticket-system.ledger.held"));
        endpoint.types.push("sold".to_owned());
        assert_eq!(endpoint.check(&settings), Err(EndpointError::Kind("sold".to_owned())));
    }
}
