//! Reads the manifest of a backup.

use std::{fs, path::Path};

use super::{
    error::TransferError,
    manifest::{BACKUP_FORMAT, Manifest},
};

/// The manifest of the backup in `dir`.
///
/// # Errors
/// [`TransferError`] when it is missing, damaged, or of a newer format.
pub(super) fn read_manifest(dir: &Path) -> Result<Manifest, TransferError> {
    let path = dir.join("manifest.json");
    let text = fs::read(&path).map_err(TransferError::io(&path))?;
    let manifest: Manifest = serde_json::from_slice(&text)
        .map_err(|error| TransferError::Damaged(format!("manifest.json: {error}")))?;
    if manifest.format > BACKUP_FORMAT {
        return Err(TransferError::Format(manifest.format));
    }
    Ok(manifest)
}
