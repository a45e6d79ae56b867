//! The origins of CORS.

use std::{net::Ipv6Addr, str::FromStr};

use http::HeaderValue;

/// Origins that browsers may call from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Every origin.
    Any,
    /// Exactly these.
    List(Vec<HeaderValue>),
}

/// A list of origins does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is scheme://host[:port] as browsers send it")]
pub struct InvalidOrigin;

impl FromStr for CorsOrigins {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        if text == "*" {
            return Ok(Self::Any);
        }
        text.split(',')
            .map(|origin| parse_origin(origin.trim()))
            .collect::<Result<_, _>>()
            .map(Self::List)
    }
}

/// An origin exactly as a browser serializes it; any other text would never match. `null` is
/// refused: pages of any site can have it.
fn parse_origin(origin: &str) -> Result<HeaderValue, InvalidOrigin> {
    let (scheme, authority) = origin.split_once("://").ok_or(InvalidOrigin)?;
    let (host, port) = match authority.rfind(':').filter(|_| !authority.ends_with(']')) {
        Some(at) => (&authority[..at], Some(&authority[at + 1..])),
        None => (authority, None),
    };
    if is_scheme(scheme) && is_host(host) && port.is_none_or(|port| is_port(scheme, port)) {
        HeaderValue::from_str(origin).map_err(|_| InvalidOrigin)
    } else {
        Err(InvalidOrigin)
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.'))
}

/// A name or address in lower case: browsers write other letters as punycode.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address);
    }
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
    };
    host.strip_suffix('.').unwrap_or(host).split('.').all(is_label)
}

/// A port that browsers write: not the usual one of the scheme.
fn is_port(scheme: &str, port: &str) -> bool {
    let usual = match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    };
    port.parse::<u16>().is_ok_and(|number| number.to_string() == port && Some(number) != usual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_those_that_browsers_send() {
        for good in [
            "*",
            "https://shop.example",
            "http://localhost:3000",
            "https://shop.example:8443, https://tickets.example",
            "http://127.0.0.1:8080",
            "http://[::1]:3000",
            "http://[2001:db8::1]",
            "https://xn--bcher-kva.example",
            "chrome-extension://abcdefghijklmnop",
            "capacitor://localhost",
        ] {
            assert!(good.parse::<CorsOrigins>().is_ok(), "{good}");
        }
        for bad in [
            "",
            ",",
            "null",
            "shop.example",
            "//shop.example",
            "https://",
            "https://shop.example/",
            "https://shop.example/path",
            "https://shop.example?x",
            "https://shop.example#x",
            "https://user@shop.example",
            "https://user:word@shop.example",
            "https://*.shop.example",
            "https://*",
            "*, https://shop.example",
            "https://Shop.example",
            "HTTPS://shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://shop.example:",
            "https://shop.example:0443",
            "https://shop.example:99999",
            "https://shop.example:https",
            "https://shop example",
            "https://shop..example",
            "https://b\u{fc}cher.example",
            "https://[::1",
            "https://[0:0:0:0:0:0:0:1]",
            "https://a.example https://b.example",
            "https://a.example,",
            "file:///index.html",
            "data:text/html,x",
        ] {
            assert!(bad.parse::<CorsOrigins>().is_err(), "{bad}");
        }
    }
}
