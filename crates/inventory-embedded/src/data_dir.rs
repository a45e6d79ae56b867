//! The data directory: one process at a time, one known format.
//!
//! `db` holds a store together with its format, and appears and disappears only by renaming it as a
//! whole; so whenever the process is killed, there is either none or a complete one.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use inventory_store::StoreError;
use thiserror::Error;

/// The newest format that this version writes: 2 has records about money, 3 those of waiting rooms.
/// A newer format is refused.
pub const FORMAT: u32 = 3;
/// The format of a store until its first record that older versions cannot read, so that they can
/// take over again. A format before it is migrated on opening.
pub const FORMAT_BASE: u32 = 1;

/// Why a data directory cannot be opened.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// Another process has it open.
    #[error("data directory {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// It contains no store, and none may be created.
    #[error("there is no store in {}", .0.display())]
    Missing(PathBuf),
    /// A newer version wrote it.
    #[error(
        "data directory has format {found}, and this version supports formats up to {FORMAT}: run the version that wrote it"
    )]
    Newer {
        /// The format found.
        found: u32,
    },
    /// An older version wrote it, and its migration failed. The ledger is unchanged; the next
    /// opening tries again.
    #[error("migrating the data directory from format {from} failed: {reason}")]
    Migration {
        /// The format found.
        from: u32,
        /// The cause.
        reason: String,
    },
    /// Acknowledged records are missing.
    #[error(
        "the store is damaged: it has {found} ledger records and had {expected}. Restore a backup. To continue without the lost \
         records, remove {}", .watermark.display()
    )]
    Shortened {
        /// The number of records by the watermark.
        expected: u64,
        /// The number of records found.
        found: u64,
        /// The watermark file.
        watermark: PathBuf,
    },
    /// One of its files cannot be read or written.
    #[error("data directory: {path}: {source}", path = .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The store in it cannot be opened.
    #[error("data directory: {0}")]
    Store(StoreError),
}

impl DataDirError {
    pub fn store(error: impl Into<StoreError>) -> Self {
        Self::Store(error.into())
    }

    pub fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

/// A directory that this process has locked.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    // Held as long as the directory is in use: the lock ends with the file handle.
    _lock: File,
}

impl DataDir {
    const LOCK: &str = "LOCK";
    const DB: &str = "db";
    const NEW: &str = "db.new";
    pub(crate) const STAGING: &str = "db.staging";
    pub(crate) const RESTORED: &str = "db.restored";
    const REPLACED: &str = "db.replaced";

    /// Creates `path` if missing, and locks it.
    ///
    /// # Errors
    /// [`DataDirError::Locked`] when another process has it.
    pub fn lock(path: PathBuf) -> Result<Self, DataDirError> {
        fs::create_dir_all(&path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let source = io::Error::new(io::ErrorKind::NotADirectory, "not a directory");
                DataDirError::Io { path: path.clone(), source }
            }
            _ => DataDirError::Io { path: path.clone(), source: error },
        })?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join(Self::LOCK))
            .map_err(DataDirError::io(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::Locked(path)),
            Err(TryLockError::Error(source)) => Err(DataDirError::Io { path, source }),
        }
    }

    /// Whether `path` can be used as a data directory. Creates it if missing.
    ///
    /// # Errors
    /// [`DataDirError::Io`] when it is no directory, or its files cannot be created.
    pub fn check(path: &Path) -> Result<(), DataDirError> {
        match Self::lock(path.to_owned()) {
            // A start may wait for the other process.
            Ok(_) | Err(DataDirError::Locked(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Locks `path` if it contains a store; creates nothing otherwise.
    ///
    /// # Errors
    /// [`DataDirError::Missing`] or [`DataDirError::Locked`].
    pub fn lock_existing(path: PathBuf) -> Result<Self, DataDirError> {
        let exists = [Self::DB, Self::RESTORED].iter().any(|name| path.join(name).exists());
        if exists { Self::lock(path) } else { Err(DataDirError::Missing(path)) }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file whose lock is that of the directory.
    pub(crate) fn lock_file(&self) -> PathBuf {
        self.path.join(Self::LOCK)
    }

    /// The store that is in use.
    pub(crate) fn db(&self) -> StoreDir {
        StoreDir(self.path.join(Self::DB))
    }

    /// A new store, until it is complete.
    pub(crate) fn new_db(&self) -> Result<StoreDir, DataDirError> {
        let path = self.path.join(Self::NEW);
        remove(&path)?;
        Ok(StoreDir(path))
    }

    /// Moves the complete new store into place.
    pub(crate) fn install_new(&self) -> Result<(), DataDirError> {
        rename(&self.path.join(Self::NEW), &self.path.join(Self::DB))
    }

    /// Moves an accepted restore into place; the replaced store is kept beside it until the next
    /// restore.
    pub(crate) fn finish_restore(&self) -> Result<(), DataDirError> {
        remove(&self.path.join(Self::STAGING))?;
        let (restored, db) = (self.path.join(Self::RESTORED), self.path.join(Self::DB));
        if !restored.exists() {
            return Ok(());
        }
        // After a kill, the next opening continues here: the restored store keeps its name until it
        // is in place.
        if db.exists() {
            let replaced = self.path.join(Self::REPLACED);
            remove(&replaced)?;
            rename(&db, &replaced)?;
        }
        rename(&restored, &db)
    }
}

/// A folder with a store and its format.
#[derive(Debug, Clone)]
pub struct StoreDir(PathBuf);

impl StoreDir {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    const FORMAT_FILE: &str = "FORMAT";

    pub(crate) fn exists(&self) -> bool {
        self.0.exists()
    }

    /// The folder of the tables.
    pub(crate) fn tables(&self) -> PathBuf {
        self.0.join("tables")
    }

    /// The watermark file, with the number of records.
    pub(crate) fn watermark(&self) -> PathBuf {
        self.0.join("WATERMARK")
    }

    /// The format of the store.
    pub(crate) fn format(&self) -> Result<u32, DataDirError> {
        let path = self.0.join(Self::FORMAT_FILE);
        let text = fs::read_to_string(&path).map_err(DataDirError::io(&path))?;
        let invalid = || DataDirError::Io {
            path,
            source: io::Error::new(io::ErrorKind::InvalidData, "not a format version"),
        };
        let found: u32 = text.trim().parse().map_err(|_| invalid())?;
        if found > FORMAT { Err(DataDirError::Newer { found }) } else { Ok(found) }
    }

    /// Writes the format of a new store, unless its records have raised it, and syncs the whole
    /// folder.
    pub(crate) fn seal(&self) -> Result<(), DataDirError> {
        if self.format().unwrap_or(0) < FORMAT_BASE {
            self.write_format(FORMAT_BASE)?;
        }
        sync_tree(&self.0).map_err(DataDirError::io(&self.0))
    }

    /// Writes `format`, durably.
    pub(crate) fn write_format(&self, format: u32) -> Result<(), DataDirError> {
        let path = self.0.join(Self::FORMAT_FILE);
        let temporary = self.0.join("FORMAT.new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            writeln!(file, "{format}")?;
            file.sync_all()
        };
        write().map_err(DataDirError::io(&path))?;
        rename(&temporary, &path)
    }
}

/// Whether the store in the folder `db` has a format that this version writes.
pub fn check_format(db: &Path) -> Result<(), DataDirError> {
    match StoreDir(db.to_owned()).format()? {
        FORMAT_BASE..=FORMAT => Ok(()),
        from => {
            Err(DataDirError::Migration { from, reason: "start this version on it once".into() })
        }
    }
}

/// The number of records that the store in the folder `db` should have, if it has a watermark.
pub fn read_watermark(db: &Path) -> Result<Option<u64>, DataDirError> {
    let path = StoreDir(db.to_owned()).watermark();
    crate::watermark::read(&path).map_err(DataDirError::io(&path))
}

pub(crate) fn remove(path: &Path) -> Result<(), DataDirError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(DataDirError::Io { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

/// Renames within a directory, durably.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<(), DataDirError> {
    let folder = to.parent().unwrap_or(to);
    let synced = fs::rename(from, to).and_then(|()| File::open(folder)?.sync_all());
    synced.map_err(DataDirError::io(from))
}

/// Syncs every file and folder below `path`, and itself.
fn sync_tree(path: &Path) -> io::Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(path)?.sync_all()
}
