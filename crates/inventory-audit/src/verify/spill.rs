//! A map with recent entries in memory and the rest in a scratch directory.

use std::{collections::HashMap, path::PathBuf};

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use serde::{Serialize, de::DeserializeOwned};
use tempfile::TempDir;

use super::error::VerifyError;

/// Bytes to values; nothing is on disk until there are more than `memory_entries`.
pub struct Spill<V> {
    recent: HashMap<Vec<u8>, V>,
    memory_entries: usize,
    scratch: PathBuf,
    disk: Option<Disk>,
}

struct Disk {
    rows: Keyspace,
    db: Database,
    // Removed when dropped, after the handles above.
    _dir: TempDir,
}

fn failed(error: impl std::fmt::Display) -> VerifyError {
    VerifyError::Scratch(error.to_string())
}

impl<V: Serialize + DeserializeOwned + Clone> Spill<V> {
    pub fn new(memory_entries: usize, scratch: PathBuf) -> Self {
        Self { recent: HashMap::new(), memory_entries: memory_entries.max(1), scratch, disk: None }
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<V>, VerifyError> {
        if let Some(value) = self.recent.get(key) {
            return Ok(Some(value.clone()));
        }
        let Some(disk) = &self.disk else { return Ok(None) };
        let row = disk.rows.get(key).map_err(failed)?;
        row.map(|row| postcard::from_bytes(&row).map_err(failed)).transpose()
    }

    pub fn insert(&mut self, key: Vec<u8>, value: V) -> Result<(), VerifyError> {
        self.recent.insert(key, value);
        if self.recent.len() > self.memory_entries { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<(), VerifyError> {
        let disk = match self.disk.take() {
            Some(disk) => disk,
            None => Disk::create(&self.scratch)?,
        };
        let mut batch = disk.db.batch();
        for (key, value) in self.recent.drain() {
            batch.insert(&disk.rows, key, postcard::to_stdvec(&value).map_err(failed)?);
        }
        batch.commit().map_err(failed)?;
        self.disk = Some(disk);
        Ok(())
    }
}

impl Disk {
    fn create(scratch: &std::path::Path) -> Result<Self, VerifyError> {
        let dir = tempfile::Builder::new().prefix("verify-").tempdir_in(scratch).map_err(failed)?;
        let db = Database::builder(dir.path().join("rows"))
            .cache_size(8 << 20)
            .worker_threads(1)
            .open()
            .map_err(failed)?;
        let rows = db.keyspace("rows", KeyspaceCreateOptions::default).map_err(failed)?;
        Ok(Self { rows, db, _dir: dir })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spilled_values_are_found_and_newer_ones_win() {
        let dir = tempfile::tempdir().unwrap();
        let mut map = Spill::new(3, dir.path().to_owned());
        for round in 0..3_u64 {
            for key in 0..20_u8 {
                map.insert(vec![key], round * 100 + u64::from(key)).unwrap();
            }
        }
        assert!(map.recent.len() <= 3);
        assert!((0..20_u8).all(|key| map.get(&[key]).unwrap() == Some(200 + u64::from(key))));
        assert_eq!(map.get(&[20]).unwrap(), None);
        drop(map);
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            0,
            "scratch files are left behind"
        );
    }
}
