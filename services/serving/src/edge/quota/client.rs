//! Who asks: by the address of the connection, or what a trusted proxy says of it, or a bearer token.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::sync::OnceLock;

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;

use super::QuotaSettings;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Hops of `X-Forwarded-For` that are looked at.
const HOPS_MAX: usize = 32;

/// The address at the other end of a connection; in a request's extensions when quotas are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// A client whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClientKey {
    /// An IPv4 address, or the /64 of an IPv6 address: one subscriber has all of it.
    Address(IpAddr),
    /// A token, by two keyed hashes of it: the token itself is not kept.
    Token(u64, u64),
}

impl ClientKey {
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }

    fn token(token: &[u8]) -> Self {
        static HASHERS: OnceLock<(RandomState, RandomState)> = OnceLock::new();
        let (first, second) = HASHERS.get_or_init(|| (RandomState::new(), RandomState::new()));
        Self::Token(first.hash_one(token), second.hash_one(token))
    }
}

/// Networks whose hosts may say in `X-Forwarded-For` for whom they ask.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

/// Why a list of networks does not parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected addresses or networks such as 10.0.0.0/8, separated by commas")]
pub struct InvalidNetwork;

impl FromStr for TrustedProxies {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let parse = |part: &str| part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(IpNet::from)).map_err(|_| InvalidNetwork);
        text.split(',').map(|part| parse(part.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl TrustedProxies {
    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Whose request it is; `None` when a trusted proxy asks for itself, or nobody knows.
pub(super) fn of(headers: &HeaderMap, peer: Option<Peer>, settings: &QuotaSettings) -> Option<ClientKey> {
    if settings.by_token
        && let Some(token) = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
    {
        return Some(ClientKey::token(token));
    }
    let address = address(headers, peer?.0, &settings.trusted);
    (!settings.trusted.has(address)).then(|| ClientKey::address(address))
}

/// From the nearest hop on, the first that is not trusted: only trusted ones have written what stands to the right of it.
fn address(headers: &HeaderMap, peer: IpAddr, trusted: &TrustedProxies) -> IpAddr {
    let mut nearest = peer;
    let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
    let mut hops = lines.flat_map(|line| line.split(',')).collect::<Vec<_>>().into_iter().rev().take(HOPS_MAX);
    while trusted.has(nearest) {
        // What cannot be read ends the chain at who wrote it.
        let Some(Ok(hop)) = hops.next().map(|hop| hop.trim().parse()) else { break };
        nearest = hop;
    }
    nearest
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str]) -> String {
        let trusted = "10.0.0.0/8, 192.168.0.7".parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_static(line));
        }
        address(&headers, peer.parse().unwrap(), &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_say_for_whom_they_ask() {
        assert_eq!(seen("1.2.3.4", &["9.9.9.9"]), "1.2.3.4", "anybody can write a header");
        assert_eq!(seen("10.1.1.1", &["9.9.9.9"]), "9.9.9.9");
        assert_eq!(seen("10.1.1.1", &["8.8.8.8, 9.9.9.9", "192.168.0.7"]), "9.9.9.9", "what the client wrote itself does not count");
        assert_eq!(seen("10.1.1.1", &["nonsense, 10.2.2.2"]), "10.2.2.2");
        assert_eq!(seen("::ffff:10.1.1.1", &["2001:db8::5"]), "2001:db8::5");
        assert_eq!(seen("10.1.1.1", &[]), "10.1.1.1");
    }

    #[test]
    fn a_subscriber_is_one_client() {
        let key = |text: &str| ClientKey::address(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:1.2.3.4"), key("1.2.3.4"));
        assert_ne!(ClientKey::token(b"a"), ClientKey::token(b"b"));
        assert!("10.0.0.0/33".parse::<TrustedProxies>().is_err() && "a".parse::<TrustedProxies>().is_err());
    }
}
