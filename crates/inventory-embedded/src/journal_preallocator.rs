//! Writes zeros ahead of the journal's writer, so that a sync does not wait for new blocks.
//!
//! fjall creates its journal as one long hole and fills it from the front. A sync of a part that
//! was a hole makes the file system commit the location of the new blocks too; where zeros are
//! written already, a sync writes only the data. Zeros go into the hole before the end of the file,
//! behind everything that was ever written to it. So no thread may write to the journal during
//! [`JournalPreallocator::keep`]; `Journal` sees to that.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use rustix::fs::{SeekFrom, seek};

/// Bytes filled at once. They go to disk with the next sync, which takes longer accordingly.
const FILL_BYTES: u64 = 512 << 10;
/// Less than this left triggers the next fill. A larger batch is synced as without the
/// preallocator.
const LOW_BYTES: u64 = 64 << 10;

/// The zeros ahead of one journal.
pub(super) struct JournalPreallocator {
    dir: PathBuf,
    journal: Option<(u64, File)>,
    /// Zeros ahead of the writer, at least.
    left_bytes: u64,
    /// How many journals there were.
    journals: usize,
    broken: bool,
}

impl JournalPreallocator {
    /// For the journals in `dir`.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), journal: None, left_bytes: 0, journals: 0, broken: false }
    }

    /// Prepares a write of at most `bytes`, while there are `journals` journals. A failure costs
    /// only speed.
    pub fn keep(&mut self, bytes: u64, journals: usize) {
        if journals != self.journals {
            // A new journal has no zeros yet; or an old one was removed.
            (self.journals, self.left_bytes) = (journals, 0);
        }
        self.left_bytes = self.left_bytes.saturating_sub(bytes);
        if self.left_bytes >= LOW_BYTES || self.broken {
            return;
        }
        match self.fill() {
            Ok(filled_bytes) => self.left_bytes += filled_bytes,
            Err(error) => {
                tracing::warn!(%error, "cannot preallocate the journal; syncs take longer");
                self.broken = true;
            }
        }
    }

    fn fill(&mut self) -> io::Result<u64> {
        let newest = newest(&self.dir)?;
        if self.journal.as_ref().is_none_or(|(id, _)| *id != newest) {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .open(self.dir.join(format!("{newest}.jnl")))?;
            self.journal = Some((newest, file));
        }
        let Some((_, file)) = &self.journal else { return Ok(0) };
        let end = file.metadata()?.len();
        // Every file ends in a hole; a reopened journal ends where its contents end.
        let hole = if end == 0 { 0 } else { seek(file, SeekFrom::Hole(0))? };
        let bytes = FILL_BYTES.min(end.saturating_sub(hole));
        if bytes == 0 {
            // This journal has no hole: look again after many writes, or at the next journal.
            return Ok(FILL_BYTES);
        }
        let mut there = vec![0; usize::try_from(bytes).unwrap_or(0)];
        file.read_exact_at(&mut there, hole)?;
        if there.iter().any(|byte| *byte != 0) {
            return Err(io::Error::other("the reported hole contains data"));
        }
        file.write_all_at(&there, hole)?;
        Ok(bytes)
    }
}

fn newest(dir: &Path) -> io::Result<u64> {
    let mut newest = None;
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let id = name.to_str().and_then(|name| name.strip_suffix(".jnl")?.parse().ok());
        newest = newest.max(id);
    }
    newest.ok_or_else(|| io::Error::other("there is no journal"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOURNAL_BYTES: u64 = 2 << 20;

    fn journal(dir: &Path, written: &[u8], len: u64) -> PathBuf {
        let path = dir.join("7.jnl");
        let file = File::create(&path).unwrap();
        file.set_len(len).unwrap();
        file.write_all_at(written, 0).unwrap();
        path
    }

    fn hole(path: &Path) -> u64 {
        seek(File::open(path).unwrap(), SeekFrom::Hole(0)).unwrap()
    }

    /// The names of all journals in `dir`.
    fn journals(dir: &Path) -> Vec<String> {
        let files = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<_> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name.ends_with(".jnl"));
        names.sort();
        names
    }

    #[test]
    fn zeros_fill_the_hole_behind_the_data() {
        let dir = tempfile::tempdir().unwrap();
        let written = vec![7; 10_000];
        let path = journal(dir.path(), &written, JOURNAL_BYTES);
        let before = hole(&path);
        let mut preallocator = JournalPreallocator::new(dir.path());
        preallocator.keep(1_000, 1);
        assert_eq!(hole(&path), before + FILL_BYTES);
        preallocator.keep(1_000, 1);
        assert_eq!(hole(&path), before + FILL_BYTES, "there is enough");
        for _ in 0..10 {
            preallocator.keep(FILL_BYTES, 1);
        }
        assert_eq!(hole(&path), JOURNAL_BYTES);
        let now = std::fs::read(&path).unwrap();
        assert_eq!(now.len() as u64, JOURNAL_BYTES);
        assert!(now.starts_with(&written) && now[written.len()..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn journal_without_a_hole_is_unchanged() {
        for written in [&[][..], &[7; 10_000]] {
            let dir = tempfile::tempdir().unwrap();
            let path = journal(dir.path(), written, written.len() as u64);
            let mut preallocator = JournalPreallocator::new(dir.path());
            preallocator.keep(1_000, 1);
            assert!(!preallocator.broken);
            assert_eq!(std::fs::read(&path).unwrap(), written);
        }
    }

    #[test]
    fn new_journal_is_preallocated() {
        let dir = tempfile::tempdir().unwrap();
        journal(dir.path(), &[7; 100], 100);
        let mut preallocator = JournalPreallocator::new(dir.path());
        preallocator.keep(1_000, 1);
        let path = dir.path().join("8.jnl");
        File::create(&path).unwrap().set_len(JOURNAL_BYTES).unwrap();
        preallocator.keep(1_000, 2);
        assert_eq!(hole(&path), FILL_BYTES);
    }

    /// The real journal, past the end of its first file and reopened: every write is found, and the
    /// files have the layout that the preallocator relies on.
    #[test]
    fn every_write_over_preallocated_zeros_is_found() {
        use inventory_store::Durability;
        use rand::{Rng, SeedableRng, rngs::StdRng};

        use crate::{options::EmbeddedOptions, tables::Tables};

        let dir = tempfile::tempdir().unwrap();
        let options = EmbeddedOptions::default();
        // Random, since the journal is compressed.
        let mut random = vec![0; 100_000];
        StdRng::seed_from_u64(7).fill_bytes(&mut random);
        let value = |n: u64| [&n.to_be_bytes(), &random[8..]].concat();
        let open = || Tables::open(dir.path(), &options).unwrap();
        let mut n = 0_u64;
        for _ in 0..2 {
            let tables = open();
            if n == 0 {
                // The layout of fjall that this module relies on: `N.jnl`, allocated as a hole.
                assert_eq!(journals(dir.path()), ["0.jnl"]);
                let path = dir.path().join("0.jnl");
                assert!(hole(&path) < std::fs::metadata(&path).unwrap().len(), "no hole to fill");
            }
            let mut preallocator = JournalPreallocator::new(dir.path());
            for _ in 0..850 {
                let mut batch = tables.batch(Durability::Synced);
                batch.insert(&tables.ledger, n.to_be_bytes(), value(n));
                preallocator.keep(100_100, tables.db.journal_count());
                batch.commit().unwrap();
                n += 1;
            }
            assert!(!preallocator.broken);
            let filled = preallocator.journal.map(|(id, _)| id).unwrap();
            assert!(filled > 0, "the first journal came to its end");
            assert!(journals(dir.path()).contains(&format!("{filled}.jnl")));
        }
        let tables = open();
        for n in 0..n {
            assert!(
                tables.ledger.get(n.to_be_bytes()).unwrap().is_some_and(|found| *found == value(n)),
                "{n}"
            );
        }
    }
}
