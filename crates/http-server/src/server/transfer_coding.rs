//! Transfer coding in bytes of a request head, for replies that hyper makes without a request.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// Part of the name, in the two spellings that clients use.
const PARTS: [&[u8]; 2] = [b"ransfer-", b"RANSFER-"];
/// The rest of the name.
const REST: &[u8] = b"encoding:";

static FINDERS: LazyLock<[Finder<'static>; 2]> = LazyLock::new(|| PARTS.map(Finder::new));

/// Whether `bytes` name a transfer coding other than chunked.
pub(super) fn is_unknown(bytes: &[u8]) -> bool {
    FINDERS.iter().any(|finder| {
        finder.find_iter(bytes).any(|at| {
            let rest = &bytes[at + PARTS[0].len()..];
            if !rest.get(..REST.len()).is_some_and(|name| name.eq_ignore_ascii_case(REST)) {
                return false;
            }
            let value = &rest[REST.len()..];
            let end = value.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let coding = value[..end.unwrap_or(value.len())].trim_ascii();
            !coding.eq_ignore_ascii_case(b"chunked")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::is_unknown;

    #[test]
    fn codings_other_than_chunked_are_found() {
        let head =
            |line: &str| format!("POST / HTTP/1.1\r\nHost: t\r\n{line}\r\nAccept: */*\r\n\r\n");
        for line in [
            "Transfer-Encoding: gzip",
            "transfer-encoding: identity",
            "TRANSFER-ENCODING:deflate",
            "Transfer-Encoding: chunked, gzip",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip",
        ] {
            assert!(is_unknown(head(line).as_bytes()), "{line}");
        }
        for line in [
            "Transfer-Encoding: chunked",
            "transfer-encoding:  Chunked ",
            "X-Transfer: encoding",
            "Te: gzip",
            "Accept-Encoding: gzip",
        ] {
            assert!(!is_unknown(head(line).as_bytes()), "{line}");
        }
        assert!(!is_unknown(b"transfer-") && !is_unknown(b""));
    }
}
