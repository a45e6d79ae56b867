//! The address of a client behind trusted proxies.

use std::{
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Maximum number of hops of `X-Forwarded-For` that are read.
const HOPS_MAX: usize = 32;

/// The address at the other end of a connection; in a request's extensions when quotas are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Networks whose hosts may name the client in `X-Forwarded-For`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// A list of networks does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected addresses or networks such as 10.0.0.0/8, separated by commas")]
pub struct InvalidNetwork;

impl FromStr for TrustedProxies {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let parse = |part: &str| {
            part.parse::<IpNet>()
                .or_else(|_| part.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| InvalidNetwork)
        };
        text.split(',').map(|part| parse(part.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client of a request that arrives from `peer`: from the nearest hop on, the first address
    /// that is not trusted, because only trusted proxies wrote the entries to its right. `None`
    /// when all are trusted: the proxy sends the request for itself.
    #[must_use]
    pub fn client_address(&self, headers: &HeaderMap, peer: IpAddr) -> Option<IpAddr> {
        let mut hops = headers
            .get_all(FORWARDED_FOR)
            .iter()
            .rev()
            .flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        let mut nearest = peer;
        for _ in 0..=HOPS_MAX {
            if !self.has(nearest) {
                return Some(nearest);
            }
            // An entry that is not an address: all such clients share the quota of the proxy.
            let Some(hop) = read_hop(hops.next()?) else { break };
            nearest = hop;
        }
        Some(nearest)
    }
}

/// Parses an address as proxies write it: some add the port.
fn read_hop(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let trusted: TrustedProxies = "10.0.0.0/8, 192.168.0.7".parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        trusted
            .client_address(&headers, peer.parse().unwrap())
            .map_or("unlimited".into(), |address| address.to_string())
    }

    #[test]
    fn only_trusted_proxies_name_the_client() {
        assert_eq!(seen("1.2.3.4", &["9.9.9.9"]), "1.2.3.4", "any client can write the header");
        assert_eq!(seen("10.1.1.1", &["9.9.9.9"]), "9.9.9.9");
        assert_eq!(
            seen("10.1.1.1", &["8.8.8.8, 9.9.9.9", "192.168.0.7"]),
            "9.9.9.9",
            "what the client wrote itself does not count"
        );
        assert_eq!(seen("::ffff:10.1.1.1", &["2001:db8::5"]), "2001:db8::5");
        assert_eq!(seen("10.1.1.1", &["9.9.9.9:1234"]), "9.9.9.9");
        assert_eq!(seen("10.1.1.1", &["[2001:db8::5]:1234, 10.2.2.2"]), "2001:db8::5");
        assert_eq!(seen("10.1.1.1", &[]), "unlimited");
        assert_eq!(seen("10.1.1.1", &["10.2.2.2"]), "unlimited");
    }

    #[test]
    fn unreadable_hops_do_not_evade_the_quota() {
        assert_eq!(
            seen("10.1.1.1", &["\u{e4}\u{f6}, 9.9.9.9"]),
            "9.9.9.9",
            "a proxy has added to what the client wrote"
        );
        assert_eq!(seen("10.1.1.1", &["nonsense, 10.2.2.2"]), "10.2.2.2");
        assert_eq!(seen("10.1.1.1", &["unknown"]), "10.1.1.1", "such clients share one quota");
        assert_eq!(seen("10.1.1.1", &[["10.3.3.3"; 100].join(",").as_str()]), "10.3.3.3");
    }

    #[test]
    fn invalid_networks_are_refused() {
        assert!("10.0.0.0/33".parse::<TrustedProxies>().is_err());
        assert!("a".parse::<TrustedProxies>().is_err());
    }
}
