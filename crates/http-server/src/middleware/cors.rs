//! The origins of CORS.

use std::str::FromStr;

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
#[error("an origin is scheme://host[:port], without a path")]
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

fn parse_origin(origin: &str) -> Result<HeaderValue, InvalidOrigin> {
    let uri: http::Uri = origin.parse().map_err(|_| InvalidOrigin)?;
    // A browser never sends a trailing slash, so such an origin would never match.
    if uri.scheme().is_none()
        || uri.authority().is_none()
        || origin.ends_with('/')
        || uri.path() != "/"
    {
        return Err(InvalidOrigin);
    }
    HeaderValue::from_str(origin).map_err(|_| InvalidOrigin)
}
