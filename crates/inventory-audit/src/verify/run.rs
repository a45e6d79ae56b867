//! Verifying all ledgers of a source.

use std::path::Path;

use super::{
    audit::{Audited, Auditor},
    backup_feed::BackupFeed,
    error::VerifyError,
    feed::Feed,
    options::VerifyOptions,
    readonly::ReadOnlyStore,
    report::Report,
    state,
};

/// Audits everything that `feed` yields; `each` receives every record, and `progress` the number of
/// records so far.
///
/// # Errors
/// [`VerifyError`], at the first violation.
pub async fn audit(
    feed: &mut dyn Feed,
    auditor: &mut Auditor,
    mut each: impl FnMut(&Auditor, &Audited) -> Result<(), VerifyError>,
    mut progress: impl FnMut(u64),
) -> Result<(), VerifyError> {
    loop {
        let entries = feed.next().await?;
        if entries.is_empty() {
            return Ok(());
        }
        for entry in entries {
            let audited = auditor.push(&entry)?;
            each(auditor, &audited)?;
        }
        progress(auditor.records());
    }
}

/// Verifies the store in `dir`, which no process has open, without changing it: the ledgers, and
/// every row that follows from them.
///
/// # Errors
/// [`VerifyError`], at the first violation.
pub async fn verify_data_dir(
    dir: &Path,
    options: &VerifyOptions,
    progress: impl FnMut(u64),
) -> Result<Report, VerifyError> {
    let store = ReadOnlyStore::open(dir, options)?;
    let mut auditor = Auditor::new(options);
    audit(&mut store.feed(), &mut auditor, |_, _| Ok(()), progress).await?;
    let ledgers = auditor.finish()?;
    state::compare(&store, &ledgers, options)
}

/// Verifies the backup in `dir`: its manifest and its ledgers.
///
/// # Errors
/// [`VerifyError`], at the first violation.
pub async fn verify_backup(
    dir: &Path,
    options: &VerifyOptions,
    progress: impl FnMut(u64),
) -> Result<Report, VerifyError> {
    let mut feed = BackupFeed::open(dir)?;
    let mut auditor = Auditor::new(options);
    audit(&mut feed, &mut auditor, |_, _| Ok(()), progress).await?;
    let ledgers = auditor.finish()?;
    feed.check_manifest(ledgers.events())?;
    Ok(ledgers.report().clone())
}
