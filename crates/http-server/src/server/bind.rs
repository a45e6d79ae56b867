//! Listening on HOST.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use config::accept::Accept;
use rustix::net::sockopt::set_ipv6_v6only;
use tokio::net::{TcpListener, TcpSocket, lookup_host};

/// Connections that the kernel accepts ahead.
const BACKLOG: u32 = 1_024;

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The name has no address.
    #[error("HOST: {host:?} has no address: {source}")]
    Unresolved { host: String, source: io::Error },
    /// No address of this machine.
    #[error("HOST: {host:?} is no address of this machine: {source}")]
    Foreign { host: String, source: io::Error },
    /// The port is taken or not permitted.
    #[error("cannot listen on {}: {source}", at(host, *port))]
    Port { host: String, port: u16, source: io::Error },
}

impl BindError {
    /// Whether HOST is wrong.
    #[must_use]
    pub fn is_misconfiguration(&self) -> bool {
        !matches!(self, Self::Port { .. })
    }

    fn of(host: &str, port: u16, source: io::Error) -> Self {
        let host = host.to_owned();
        if is_foreign(&source) {
            Self::Foreign { host, source }
        } else {
            Self::Port { host, port, source }
        }
    }
}

fn at(host: &str, port: u16) -> String {
    match host.parse() {
        Ok(address) => SocketAddr::new(address, port).to_string(),
        Err(_) => format!("{host}:{port}"),
    }
}

/// Parses the setting HOST.
pub(crate) fn host() -> Accept<String> {
    let words = "address such as ::, 0.0.0.0 or 127.0.0.1, or host name, without brackets and port";
    Accept::new(words, |text| (is_address(text) || is_name(text)).then(|| text.to_owned()))
}

fn is_address(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
    text.parse::<IpAddr>().is_ok()
        || (address.parse::<Ipv6Addr>().is_ok()
            && !zone.is_empty()
            && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)))
}

/// A host name, and not something that looks like an address.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.split('.').all(is_label)
        && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// Binds `host:port`; port 0 picks a free one. `::` accepts IPv4 as well; where the machine has no
/// IPv6, it means `0.0.0.0`.
///
/// # Errors
/// [`BindError`] when the name does not resolve or the address is taken.
pub async fn bind(host: &str, port: u16) -> Result<TcpListener, BindError> {
    let unresolved = |source| BindError::Unresolved { host: host.to_owned(), source };
    let mut failure = None;
    for address in lookup_host((host, port)).await.map_err(unresolved)? {
        let bound = match listen(address) {
            Err(error) if is_unspecified_v6(&address) && is_foreign(&error) => {
                listen((Ipv4Addr::UNSPECIFIED, port).into())
            }
            bound => bound,
        };
        match bound {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = Some(error),
        }
    }
    let failure = failure.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into());
    Err(BindError::of(host, port, failure))
}

fn is_unspecified_v6(address: &SocketAddr) -> bool {
    address.ip() == Ipv6Addr::UNSPECIFIED
}

/// Whether the machine does not have the address or its family.
fn is_foreign(error: &io::Error) -> bool {
    const FAMILY: i32 = rustix::io::Errno::AFNOSUPPORT.raw_os_error();
    error.kind() == io::ErrorKind::AddrNotAvailable || error.raw_os_error() == Some(FAMILY)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    if is_unspecified_v6(&address) {
        // Whatever the machine's default is (net.ipv6.bindv6only).
        set_ipv6_v6only(&socket, false)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_told_from_other_text() {
        let accepts = |text: &str| is_address(text) || is_name(text);
        for good in [
            "::",
            "0.0.0.0",
            "127.0.0.1",
            "::1",
            "2001:db8::1",
            "fe80::1%eth0",
            "localhost",
            "shop-0.shop.svc.cluster.local",
            "example.org.",
        ] {
            assert!(accepts(good), "{good}");
        }
        for bad in [
            "",
            " ",
            "[::1]",
            "[::]:80",
            "127.0.0.1:80",
            "localhost:80",
            "http://localhost",
            "127.0.0.1/8",
            "127.0.0.256",
            "1.2.3",
            "a b",
            "a..b",
            ".a",
            "*",
            "fe80::1%",
            ":::",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn unspecified_v6_accepts_both_families() {
        let listener = bind("::", 0).await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.expect("IPv4");
        if TcpListener::bind("[::1]:0").await.is_ok() {
            tokio::net::TcpStream::connect(("::1", port)).await.expect("IPv6");
        }
        // A second process must not share the port.
        assert!(matches!(bind("0.0.0.0", port).await, Err(BindError::Port { .. })));
    }

    #[tokio::test]
    async fn foreign_address_names_the_setting() {
        for host in ["192.0.2.1", "2001:db8::1", "no-such-host.invalid"] {
            let error = bind(host, 0).await.expect_err("not ours");
            assert!(
                error.is_misconfiguration() && error.to_string().starts_with("HOST: "),
                "{error}"
            );
        }
    }
}
