//! The client behind a request: the address of the connection, the client that a trusted proxy
//! names, or a bearer token.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv6Addr},
    sync::OnceLock,
};

use http::{HeaderMap, header};

use super::{
    proxies::Peer,
    settings::{ClientIdentity, QuotaSettings},
};

/// The client that a request counts for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClientKey {
    /// An IPv4 address, or the /64 of an IPv6 address, which belongs to one subscriber.
    Address(IpAddr),
    /// Two keyed hashes of a token: the token itself is not stored.
    Token(u64, u64),
}

impl ClientKey {
    pub fn address(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }

    fn token(token: &[u8]) -> Self {
        static HASHERS: OnceLock<(RandomState, RandomState)> = OnceLock::new();
        let (first, second) = HASHERS.get_or_init(|| (RandomState::new(), RandomState::new()));
        Self::Token(first.hash_one(token), second.hash_one(token))
    }
}

/// The client of a request; `None` when a trusted proxy sends it for itself, or without a peer.
pub(super) fn of(
    headers: &HeaderMap,
    peer: Option<Peer>,
    settings: &QuotaSettings,
) -> Option<ClientKey> {
    if settings.identify_by == ClientIdentity::Token
        && let Some(token) = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
    {
        return Some(ClientKey::token(token));
    }
    let peer = peer?.0;
    let address = match &settings.trusted_proxies {
        Some(proxies) => proxies.client_address(headers, peer)?,
        None => peer,
    };
    Some(ClientKey::address(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_one_client() {
        let key = |text: &str| ClientKey::address(text.parse().unwrap());
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:2"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:1.2.3.4"), key("1.2.3.4"));
        assert_ne!(ClientKey::token(b"a"), ClientKey::token(b"b"));
    }
}
