//! Ledgers in files: backups, and what was saved of the sales feed.

use std::{fs::File, io::BufReader, path::Path};

use draw_verifier::read_bodies;
use inventory::EventName;
use serde::Deserialize;

use super::{
    error::VerifyDrawError,
    ledgers::{Ledgers, finding_of},
    outcome::Outcome,
};

/// The ledgers and the manifest in the folder of a backup.
const LEDGER: &str = "ledger.jsonl";
const MANIFEST: &str = "manifest.json";

/// How many records a backup has.
#[derive(Deserialize)]
struct Manifest {
    records: u64,
}

/// Checks the ledgers in the file or the backup at `path`, or the one of event `only`.
///
/// # Errors
/// [`VerifyDrawError`] when they cannot be read.
pub fn read_path(path: &Path, only: Option<&EventName>) -> Result<Outcome, VerifyDrawError> {
    let mut ledgers = Ledgers::new(only);
    if path.is_dir() {
        let manifest = read_manifest(&path.join(MANIFEST))?;
        let found = read_file(&path.join(LEDGER), &mut ledgers)?;
        if let Some(found) = found.filter(|found| *found != manifest.records) {
            let listed = manifest.records;
            ledgers.find(format!("seq 0: the manifest lists {listed} records, found {found}"));
        }
    } else {
        read_file(path, &mut ledgers)?;
    }
    ledgers.finish(None).map_err(|error| failed(path, &error))
}

/// Reads a file of ledgers; `None` if it is not the one that its own last line describes.
fn read_file(path: &Path, ledgers: &mut Ledgers) -> Result<Option<u64>, VerifyDrawError> {
    let file = File::open(path).map_err(|error| failed(path, &error))?;
    match read_bodies(BufReader::new(file), |body| ledgers.push(body)) {
        Ok(read) => Ok(Some(read)),
        Err(error) => {
            ledgers.find(finding_of(error).map_err(|error| failed(path, &error))?);
            Ok(None)
        }
    }
}

fn read_manifest(path: &Path) -> Result<Manifest, VerifyDrawError> {
    let text = std::fs::read(path).map_err(|error| failed(path, &error))?;
    serde_json::from_slice(&text).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &impl ToString) -> VerifyDrawError {
    VerifyDrawError::File { path: path.to_owned(), why: error.to_string() }
}
