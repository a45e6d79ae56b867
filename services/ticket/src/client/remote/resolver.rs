//! From the host of VACANCY_URL to the addresses of vacancy.

use std::{io, net::IpAddr};

use dns_lookup::{LookupErrorKind, lookup_host};
use public_api::BoxFuture;
use tokio::task::spawn_blocking;

/// Returns the addresses of vacancy.
pub trait Resolver: Send + Sync + 'static {
    /// Returns all addresses, in any order; none means that the name has none at the moment.
    ///
    /// # Errors
    /// When they cannot be determined, for example because no name server responds.
    fn resolve(&self) -> BoxFuture<'_, io::Result<Vec<IpAddr>>>;
}

/// Asks the system, as every other program does: /etc/hosts, then the name servers.
pub struct SystemResolver {
    host: String,
}

impl SystemResolver {
    /// Resolves `host`, a name or an address; one of IPv6 may have brackets.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self { host: host.trim_start_matches('[').trim_end_matches(']').to_owned() }
    }
}

impl Resolver for SystemResolver {
    fn resolve(&self) -> BoxFuture<'_, io::Result<Vec<IpAddr>>> {
        Box::pin(async {
            if let Ok(ip) = self.host.parse() {
                return Ok(vec![ip]);
            }
            let host = self.host.clone();
            spawn_blocking(move || all_addresses(&host)).await.map_err(io::Error::other)?
        })
    }
}

fn all_addresses(host: &str) -> io::Result<Vec<IpAddr>> {
    match lookup_host(host) {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) if is_without_addresses(&error.kind()) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Checks whether the name servers have answered that the name has no address.
fn is_without_addresses(kind: &LookupErrorKind) -> bool {
    matches!(kind, LookupErrorKind::NoName | LookupErrorKind::NoData)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn resolve(host: &str) -> io::Result<Vec<IpAddr>> {
        SystemResolver::new(host).resolve().await
    }

    #[tokio::test]
    async fn addresses_are_returned_as_they_are() {
        for (host, ip) in [("127.0.0.9", "127.0.0.9"), ("[::1]", "::1"), ("10.1.2.3", "10.1.2.3")] {
            assert_eq!(resolve(host).await.ok(), Some(vec![ip.parse().unwrap()]), "{host}");
        }
    }

    #[tokio::test]
    async fn localhost_has_an_address_of_this_machine() {
        let found = resolve("localhost").await.unwrap_or_default();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
    }

    #[test]
    fn unknown_name_has_no_address_and_a_silent_server_is_an_error() {
        assert!(is_without_addresses(&LookupErrorKind::NoName));
        assert!(is_without_addresses(&LookupErrorKind::NoData));
        for kind in [LookupErrorKind::Again, LookupErrorKind::Fail, LookupErrorKind::System] {
            assert!(!is_without_addresses(&kind));
        }
    }
}
