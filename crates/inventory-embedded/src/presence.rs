//! Whether the data directory is still the one that was opened.
//!
//! A directory that is deleted or replaced takes the open files with it: writes to them succeed and
//! are lost. One that became read-only fails at the next write. Both are seen here first, so that
//! sales stop.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use inventory_store::StoreError;
use rustix::fs::{Access, access};

/// The interval at which the directory is looked at, besides after each commit.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What is wrong with the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    Present,
    Missing,
    ReadOnly,
}

impl Finding {
    const ALL: [Self; 3] = [Self::Present, Self::Missing, Self::ReadOnly];

    /// The reason in words fit for the public.
    fn reason(self) -> Option<&'static str> {
        match self {
            Self::Present => None,
            Self::Missing => Some("data directory was deleted or replaced"),
            Self::ReadOnly => Some("data directory is not writable"),
        }
    }
}

/// A file or folder, and the identity it had at the opening.
#[derive(Debug)]
struct Known {
    path: PathBuf,
    identity: (u64, u64),
}

impl Known {
    fn new(path: PathBuf) -> io::Result<Self> {
        Ok(Self { identity: identity(&path)?, path })
    }

    fn is_there(&self) -> bool {
        identity(&self.path).is_ok_and(|identity| identity == self.identity)
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}

/// The directory of an open store.
#[derive(Debug)]
pub struct Presence {
    /// Changes with the directory and with the store in it.
    watermark: Known,
    others: Vec<Known>,
    folders: Vec<PathBuf>,
    state: AtomicU8,
    /// The store is closed; its files may be moved.
    closed: AtomicBool,
}

impl Presence {
    /// Looks at `dir`, with the store `db` and its `tables`, until the store is closed.
    pub fn watch(
        dir: &Path,
        lock: PathBuf,
        watermark: PathBuf,
        tables: PathBuf,
    ) -> io::Result<Arc<Self>> {
        let presence = Arc::new(Self {
            watermark: Known::new(watermark)?,
            others: vec![Known::new(lock)?, Known::new(tables.clone())?],
            folders: vec![dir.to_owned(), tables],
            state: AtomicU8::new(Finding::Present as u8),
            closed: AtomicBool::new(false),
        });
        let watched = Arc::downgrade(&presence);
        thread::Builder::new().name("data-dir".into()).spawn(move || {
            while let Some(presence) = watched.upgrade() {
                if presence.closed.load(Ordering::Relaxed) {
                    return;
                }
                presence.look();
                drop(presence);
                thread::sleep(LOOK_EVERY);
            }
        })?;
        Ok(presence)
    }

    /// Ends the watch.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// What was found at the last look. No system call.
    pub fn check(&self) -> Result<(), StoreError> {
        let at = usize::from(self.state.load(Ordering::Relaxed));
        match Finding::ALL.get(at).and_then(|finding| finding.reason()) {
            None => Ok(()),
            Some(reason) => Err(StoreError::Unavailable(reason.into())),
        }
    }

    /// Whether the files of a commit that has just been synced are still in the directory. One
    /// system call.
    pub fn has_kept_commit(&self) -> bool {
        let kept = self.watermark.is_there();
        if !kept {
            self.set(Finding::Missing);
        }
        kept
    }

    fn look(&self) {
        let is_there = self.watermark.is_there() && self.others.iter().all(Known::is_there);
        let writable =
            |folder: &PathBuf| access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok();
        self.set(match is_there {
            false => Finding::Missing,
            true if self.folders.iter().all(writable) => Finding::Present,
            true => Finding::ReadOnly,
        });
    }

    fn set(&self, finding: Finding) {
        if self.state.swap(finding as u8, Ordering::Relaxed) == finding as u8 {
            return;
        }
        match finding.reason() {
            None => tracing::info!("data directory available"),
            Some(reason) => tracing::error!(path = ?self.folders.first(), "{reason}; sales stop"),
        }
    }
}
