//! URLs of other services, read strictly: URL libraries repair typing mistakes, and a repaired URL
//! leads elsewhere.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name of a host, bytes.
const HOST_MAX: usize = 253;

/// The path after host and port of `text`, if that is an `http` URL with neither user, query nor
/// fragment; empty when it has none.
#[must_use]
pub fn http_path(text: &str) -> Option<&str> {
    const SCHEME: &str = "http://";
    let scheme = text.get(..SCHEME.len())?;
    let rest = text.get(SCHEME.len()..)?;
    let is_clean =
        rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"@?#\\\"<>^`{|}".contains(&byte));
    if !scheme.eq_ignore_ascii_case(SCHEME) || !is_clean {
        return None;
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    is_authority(authority).then_some(path)
}

/// `host`, `host:port`, `[address]` or `[address]:port`.
fn is_authority(text: &str) -> bool {
    if let Some((address, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse::<Ipv6Addr>().is_ok()
            && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port));
    }
    match text.split_once(':') {
        None => is_host(text),
        Some((host, port)) => is_host(host) && is_port(port),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether `text` is the name or the IPv4 address of a host. Names of containers have underscores,
/// too.
#[must_use]
pub fn is_host(text: &str) -> bool {
    let labels = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    // As resolvers and browsers see it, what ends in a number is an address.
    let ends_in_number =
        labels.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    text.len() <= HOST_MAX
        && labels.split('.').all(is_label)
        && (!ends_in_number || text.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_strictly() {
        for (text, path) in [
            ("http://vacancy:8001", ""),
            ("HTTP://vacancy:8001/", "/"),
            ("http://vacancy.shop.svc.cluster.local.:8001", ""),
            ("http://ticket_vacancy_1", ""),
            ("http://10.0.0.1:80/a/b", "/a/b"),
            ("http://[::1]:8001", ""),
            ("http://[fd00::1]/x", "/x"),
            ("http://xn--nxasmq6b", ""),
        ] {
            assert_eq!(http_path(text), Some(path), "{text}");
        }
        for text in [
            "",
            "http",
            "http://",
            "http:///vacancy",
            "http:/vacancy:8001",
            "http:vacancy:8001",
            "http//vacancy",
            "htp://vacancy",
            "https://vacancy",
            "vacancy:8001",
            "http://vacancy:",
            "http://vacancy:0",
            "http://vacancy:80O1",
            "http://vacancy:+80",
            "http://vacancy:65536",
            "http://vacancy:8001:8002",
            "http://vacancy;8001",
            "http://vacancy,8001",
            "http://vac ancy",
            "http://vacancy..svc",
            "http://.vacancy",
            "http://-vacancy",
            "http://vacancy?x",
            "http://vacancy#x",
            "http://u:secret@vacancy",
            "http://vacancy\\x",
            "http://1.2.3",
            "http://256.1.1.1",
            "http://::1",
            "http://[::1",
            "http://[::1]8001",
            "http://[vacancy]",
            "http://väcancy",
            "http://${VACANCY_HOST}:8001",
        ] {
            assert_eq!(http_path(text), None, "{text}");
        }
    }
}
