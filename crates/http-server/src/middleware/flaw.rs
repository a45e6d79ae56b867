//! Requests that HTTP forbids, or whose body nobody can read here.

use http::{HeaderValue, Version};

use crate::problem::Problem;

/// Why a request is refused for its head alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// RFC 9112, section 3.2: exactly one Host, and a valid one.
    HostMissing,
    HostRepeated,
    HostInvalid,
    /// RFC 9112, section 6.1: a transfer coding that is not understood.
    TransferCoding,
    /// RFC 9110, section 8.4: a body in a content coding that is not understood.
    ContentCoding,
}

impl Flaw {
    pub fn problem(self) -> Problem {
        match self {
            Self::HostMissing => Problem::bad_request("The request has no Host header."),
            Self::HostRepeated => {
                Problem::bad_request("The request has more than one Host header.")
            }
            Self::HostInvalid => {
                Problem::bad_request("The Host header is not a host with an optional port.")
            }
            Self::TransferCoding => Problem::transfer_coding(),
            Self::ContentCoding => Problem::content_coding(),
        }
    }

    /// Whether the end of the request is in doubt, so that nothing may follow on the connection.
    pub fn closes(self) -> bool {
        self != Self::ContentCoding
    }
}

/// What a head says about itself, collected header by header.
#[derive(Default)]
pub(super) struct Checks {
    hosts: u8,
    host_is_invalid: bool,
    transfer_codings: u8,
    unknown_transfer_coding: bool,
    unknown_content_coding: bool,
}

impl Checks {
    pub fn host(&mut self, value: &HeaderValue) {
        self.hosts = self.hosts.saturating_add(1);
        self.host_is_invalid |= !is_host(value.as_bytes());
    }

    pub fn transfer_coding(&mut self, value: &HeaderValue) {
        self.transfer_codings = self.transfer_codings.saturating_add(1);
        self.unknown_transfer_coding |= !value.as_bytes().eq_ignore_ascii_case(b"chunked");
    }

    pub fn content_coding(&mut self, value: &HeaderValue) {
        let codings = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        self.unknown_content_coding |= codings
            .filter(|coding| !coding.is_empty())
            .any(|coding| !coding.eq_ignore_ascii_case(b"identity"));
    }

    pub fn flaw(&self, version: Version, has_body: bool) -> Option<Flaw> {
        match self.hosts {
            // HTTP/1.0 has no Host; HTTP/2 has `:authority`.
            0 if version == Version::HTTP_11 => Some(Flaw::HostMissing),
            2.. => Some(Flaw::HostRepeated),
            _ if self.host_is_invalid => Some(Flaw::HostInvalid),
            _ if self.unknown_transfer_coding || self.transfer_codings > 1 => {
                Some(Flaw::TransferCoding)
            }
            _ if self.unknown_content_coding && has_body => Some(Flaw::ContentCoding),
            _ => None,
        }
    }
}

/// `uri-host [ ":" port ]` of RFC 9112; empty where the target has no authority.
fn is_host(value: &[u8]) -> bool {
    let (host, port) = match value {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
            let address = std::str::from_utf8(&rest[..end]).unwrap_or_default();
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            (&b""[..], &rest[end + 1..])
        }
        _ => value.split_at(value.iter().position(|byte| *byte == b':').unwrap_or(value.len())),
    };
    let is_port = match port {
        [] => true,
        [b':', digits @ ..] => {
            digits.iter().all(u8::is_ascii_digit)
                && std::str::from_utf8(digits)
                    .is_ok_and(|digits| digits.is_empty() || digits.parse::<u16>().is_ok())
        }
        _ => false,
    };
    is_port && is_registered_name(host)
}

/// `reg-name` of RFC 3986.
fn is_registered_name(name: &[u8]) -> bool {
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        let valid = match byte {
            b'%' => {
                let mut digit = || bytes.next().is_some_and(u8::is_ascii_hexdigit);
                digit() && digit()
            }
            byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(byte),
        };
        if !valid {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_follow_the_grammar() {
        for good in [
            "",
            "shop",
            "shop.example:8000",
            "127.0.0.1",
            "127.0.0.1:80",
            "[::1]",
            "[2001:db8::1]:8000",
            "shop.example.",
            "shop.example:",
            "a_b",
            "sh%6fp",
        ] {
            assert!(is_host(good.as_bytes()), "{good}");
        }
        for bad in [
            "a b",
            "a/b",
            "a@b",
            "user:pass@host",
            "http://shop",
            "shop:port",
            "shop:80:80",
            "shop:70000",
            "::1",
            "[::1",
            "[shop]",
            "[::1]x",
            "[::1]:x",
            "a?b",
            "a#b",
            "a\\b",
            "a%zz",
            "a%4",
            "sh\u{f6}p",
            "a, b",
        ] {
            assert!(!is_host(bad.as_bytes()), "{bad}");
        }
    }
}
