//! A row of the embedded store.

use inventory_embedded::rows::reread;

/// A row is parsed or refused. A key is written again byte for byte, a value as one that parses to
/// the same.
///
/// # Panics
/// When that does not hold.
pub fn rows(data: &[u8]) {
    for (kind, again) in reread(data) {
        if kind.starts_with("key of") {
            assert_eq!(again, data, "{kind}");
        } else {
            let rewritten = reread(&again).into_iter().find(|(other, _)| *other == kind);
            assert_eq!(rewritten.map(|(_, bytes)| bytes).as_ref(), Some(&again), "{kind}");
        }
    }
}
