//! A stopped store, read without changing it.
//!
//! Opening a store recovers it: journals are cut behind their last whole entry, tables are flushed.
//! Therefore a copy is opened. Table files never change, so the copy links to them; the rest is
//! small and copied.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use inventory_embedded::{DataDirError, Tables};
use inventory_store::{BoxFuture, StoreError};
use tempfile::TempDir;

use super::{
    error::{FeedError, VerifyError},
    feed::{Entry, Feed, TableFeed},
    options::VerifyOptions,
};

/// A copy of a store. The original is locked while this lives, and never written to.
pub struct ReadOnlyStore {
    pub(super) tables: Tables,
    /// The count in WATERMARK, if it is there.
    pub(super) watermark: Option<u64>,
    // In this order: the handles above are gone before the files are.
    _copy: TempDir,
    _lock: Option<File>,
}

impl ReadOnlyStore {
    /// Copies and opens the store in the data directory `dir`.
    ///
    /// # Errors
    /// [`DataDirError::Locked`] when a process has it open; [`DataDirError`] when it is missing, of
    /// another format, or damaged.
    pub fn open(dir: &Path, options: &VerifyOptions) -> Result<Self, VerifyError> {
        let lock = lock(dir)?;
        // An accepted restore takes the place of the store at the next start.
        let db =
            ["db.restored", "db"].map(|name| dir.join(name)).into_iter().find(|db| db.exists());
        let db = db.ok_or_else(|| DataDirError::Missing(dir.to_owned()))?;
        inventory_embedded::check_format(&db)?;
        let watermark = inventory_embedded::read_watermark(&db)?;
        let copy = tempfile::Builder::new().prefix("verify-").tempdir_in(&options.scratch);
        let copy = copy.map_err(|error| {
            VerifyError::Scratch(format!("{}: {error}", options.scratch.display()))
        })?;
        let from = fs::canonicalize(db.join("tables")).map_err(DataDirError::io(&db))?;
        let to = copy.path().join("tables");
        copy_tree(&from, &to, false).map_err(DataDirError::io(&from))?;
        Ok(Self { tables: open_tables(to, options)?, watermark, _copy: copy, _lock: lock })
    }

    /// Its ledgers.
    pub(super) fn feed(&self) -> TableFeed {
        TableFeed::new(self.tables.clone())
    }

    /// Its ledgers; they keep the copy alive.
    #[must_use]
    pub fn into_feed(self) -> impl Feed {
        OwnedFeed { feed: self.feed(), _store: self }
    }
}

struct OwnedFeed {
    // In this order: the handles are gone before the files are.
    feed: TableFeed,
    _store: ReadOnlyStore,
}

impl Feed for OwnedFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>> {
        self.feed.next()
    }
}

/// The library panics on invalid files; a separate thread turns the panic into an error.
fn open_tables(path: PathBuf, options: &VerifyOptions) -> Result<Tables, VerifyError> {
    let options = options.store.clone();
    let opened = std::thread::spawn(move || Tables::open(&path, &options)).join();
    let opened = opened.unwrap_or_else(|_| Err(StoreError::Damaged("invalid files".into())));
    Ok(opened.map_err(DataDirError::store)?)
}

/// Locks `dir` if it has a lock file; a copy may lack one.
fn lock(dir: &Path) -> Result<Option<File>, VerifyError> {
    let path = dir.join("LOCK");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(DataDirError::Io { path, source }.into()),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(DataDirError::Locked(dir.to_owned()).into()),
        Err(TryLockError::Error(source)) => Err(DataDirError::Io { path, source }.into()),
    }
}

/// Copies a folder; files in a folder `tables` below it are linked instead.
fn copy_tree(from: &Path, to: &Path, link: bool) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (name, to) = (entry.file_name(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &to, name == "tables")?;
        } else if link {
            std::os::unix::fs::symlink(entry.path(), to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
