//! Lines of `X-Forwarded-For`.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use http_server::middleware::TrustedProxies;

/// An untrusted client cannot choose its address with `X-Forwarded-For`, and its header does not
/// change the addresses that trusted proxies behind it have added.
///
/// # Panics
/// When that does not hold.
pub fn forwarded(data: &[u8]) {
    let trusted: TrustedProxies = "10.0.0.0/8, 2001:db8:1::/48".parse().unwrap();
    let [proxy, inner, stranger, client] =
        ["10.0.0.1", "2001:db8:1::7", "192.0.2.1", "203.0.113.9"]
            .map(|text| text.parse::<IpAddr>().unwrap());
    let Some(lines) = lines(data) else { return };
    let asks = |added: &[&str], peer: IpAddr| {
        let mut headers = HeaderMap::new();
        for line in lines.iter().cloned().chain(added.iter().map(|line| line.parse().unwrap())) {
            headers.append("x-forwarded-for", line);
        }
        trusted.client_address(&headers, peer)
    };
    assert_eq!(asks(&[], stranger), Some(stranger));
    assert_eq!(asks(&["10.9.9.9"], stranger), Some(stranger));
    for added in [
        &["203.0.113.9"][..],
        &["203.0.113.9:4711, 10.2.3.4", "[2001:db8:1::8]:80"],
        &["203.0.113.9", " 10.2.3.4 ,2001:db8:1::8"],
    ] {
        assert_eq!(asks(added, proxy), Some(client), "{added:?}");
        assert_eq!(asks(added, inner), Some(client), "{added:?}");
    }
    // A client behind an unreadable entry counts as the proxy that wrote it, and has its
    // limit.
    assert_eq!(asks(&["?", "10.2.3.4"], proxy), Some("10.2.3.4".parse().unwrap()));
    if !lines.is_empty() {
        let _ = asks(&[], proxy);
    }
    let text = String::from_utf8_lossy(data);
    if let Ok(networks) = text.parse::<TrustedProxies>() {
        assert_eq!(
            networks.client_address(&HeaderMap::new(), stranger).is_none(),
            networks.client_address(&with("198.51.100.1"), stranger) != Some(stranger)
        );
    }
}

fn with(line: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-forwarded-for", HeaderValue::from_static(line));
    headers
}

/// One header for each line, or `None` when a line cannot be a header.
fn lines(data: &[u8]) -> Option<Vec<HeaderValue>> {
    data.split(|byte| *byte == b'\n').map(|line| HeaderValue::from_bytes(line).ok()).collect()
}
