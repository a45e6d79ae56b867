//! The lines of a backup.

use inventory::ledger::Record;
use inventory_audit::{
    transfer::Manifest,
    verify::{Auditor, Entry, VerifyOptions},
};
use inventory_store::{MemoryStore, ReplayError, Replayer};
use tokio::runtime::Builder;

/// Any lines of a backup are accepted or refused. A backup that passes the auditor can be restored.
/// Its manifest is parsed or refused.
///
/// # Panics
/// When that does not hold.
pub fn ledger(data: &[u8]) {
    let _ = serde_json::from_slice::<Manifest>(data);
    let lines: Vec<&[u8]> =
        data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let runtime = Builder::new_current_thread().build().unwrap();
    let replayed = runtime.block_on(replay(&lines));
    if audit(&lines) {
        assert!(replayed.is_ok(), "found right, and not restored: {}", replayed.unwrap_err());
    }
}

async fn replay(lines: &[&[u8]]) -> Result<(), ReplayError> {
    let mut replayer = Replayer::new(MemoryStore::default());
    for line in lines {
        replayer.push(line).await?;
    }
    replayer.finish().await.map(|_| ())
}

/// Whether the auditor accepts all lines.
fn audit(lines: &[&[u8]]) -> bool {
    let mut auditor = Auditor::new(&VerifyOptions::default());
    let right = lines.iter().all(|line| {
        let Ok(record) = Record::from_body(line) else { return false };
        auditor.push(&Entry { event: record.event, seq: record.seq, body: line.to_vec() }).is_ok()
    });
    right && auditor.finish().is_ok()
}
