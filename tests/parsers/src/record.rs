//! A record of a ledger.

use inventory::ledger::Record;

/// A parsed record is canonical: it is written again byte for byte.
///
/// # Panics
/// When that does not hold.
pub fn record(data: &[u8]) {
    if let Ok(record) = Record::from_body(data) {
        assert_eq!(record.to_body(), data, "one form only");
        assert_eq!(Record::from_body(&record.to_body()).expect("its own form"), record);
    }
}
