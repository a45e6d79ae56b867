//! The data directory: one process at a time, one known format.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::StoreError;

/// The format this version writes. A newer one is refused, an older one is migrated on opening.
pub const FORMAT: u32 = 1;

/// Why a data directory cannot be opened.
#[derive(Debug, Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error("data directory {} is in use by another process", .0.display())]
    Locked(PathBuf),
    /// A newer version wrote it.
    #[error("data directory has format {found}, and this version knows only up to {FORMAT}: use the version that wrote it")]
    Newer {
        /// The format found.
        found: u32,
    },
    /// An older version wrote it, and bringing it up to date failed. It is as it was.
    #[error("migrating the data directory from format {from} failed: {reason}")]
    Migration {
        /// The format found.
        from: u32,
        /// What went wrong.
        reason: String,
    },
    /// A file of it cannot be read or written.
    #[error("data directory: {path}: {source}", path = .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store in it cannot be opened.
    #[error("data directory: {0}")]
    Store(StoreError),
}

impl DataDirError {
    pub(super) fn store(error: impl Into<StoreError>) -> Self {
        Self::Store(error.into())
    }
}

/// A directory that this process has locked.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    // Held for as long as the directory is: the lock goes with the file handle, whatever ends the process.
    _lock: File,
}

impl DataDir {
    const LOCK: &str = "LOCK";
    const FORMAT_FILE: &str = "FORMAT";
    const DB: &str = "db";
    const RESTORED: &str = "db.restored";
    const REPLACED: &str = "db.replaced";

    /// Creates `path` where missing, and locks it.
    ///
    /// # Errors
    /// [`DataDirError::Locked`] when another process has it.
    pub fn lock(path: PathBuf) -> Result<Self, DataDirError> {
        let io_error = |source| DataDirError::Io { path: path.clone(), source };
        fs::create_dir_all(&path).map_err(io_error)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(path.join(Self::LOCK)).map_err(io_error)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::Locked(path)),
            Err(TryLockError::Error(source)) => Err(io_error(source)),
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the store's own files are.
    #[must_use]
    pub fn db_path(&self) -> PathBuf {
        self.path.join(Self::DB)
    }

    /// Puts an accepted restore in place; the store it replaces is kept beside it until the next restore.
    pub(super) fn finish_restore(&self) -> Result<(), DataDirError> {
        let restored = self.path.join(Self::RESTORED);
        if !restored.exists() {
            return Ok(());
        }
        if self.db_path().exists() {
            self.remove(Self::REPLACED)?;
            self.rename(&self.db_path(), Self::REPLACED)?;
        }
        self.rename(&restored, Self::DB)?;
        self.set_format()
    }

    /// The format of what is in it; `None` when it is new.
    pub(super) fn format(&self) -> Result<Option<u32>, DataDirError> {
        let path = self.path.join(Self::FORMAT_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.db_path().exists() => return Ok(None),
            Err(source) => return Err(DataDirError::Io { path, source }),
        };
        let invalid = || DataDirError::Io { path, source: io::Error::new(io::ErrorKind::InvalidData, "not a format version") };
        let found: u32 = text.trim().parse().map_err(|_| invalid())?;
        if found > FORMAT { Err(DataDirError::Newer { found }) } else { Ok(Some(found)) }
    }

    /// Writes down that what is in it has this version's format.
    pub(super) fn set_format(&self) -> Result<(), DataDirError> {
        let path = self.path.join(Self::FORMAT_FILE);
        if fs::read_to_string(&path).is_ok_and(|text| text.trim() == FORMAT.to_string()) {
            return Ok(());
        }
        let temporary = self.path.join("FORMAT.new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            writeln!(file, "{FORMAT}")?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(|source| DataDirError::Io { path: path.clone(), source })
    }

    fn remove(&self, name: &str) -> Result<(), DataDirError> {
        remove(&self.path.join(name))
    }

    fn rename(&self, from: &Path, to: &str) -> Result<(), DataDirError> {
        rename(from, &self.path.join(to))
    }
}

/// A store that is built in a data directory, beside the one in use, to take its place at the next opening.
#[derive(Debug)]
pub struct StagedRestore {
    path: PathBuf,
    restored: PathBuf,
}

impl StagedRestore {
    /// The place for it in `data_dir`, which the calling process has locked.
    #[must_use]
    pub fn beside(data_dir: &Path) -> Self {
        Self { path: data_dir.join("db.staging"), restored: data_dir.join(DataDir::RESTORED) }
    }

    /// Where it is to be built.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Declares it complete: the next opening uses it.
    ///
    /// # Errors
    /// [`DataDirError::Io`].
    pub fn accept(&self) -> Result<(), DataDirError> {
        remove(&self.restored)?;
        rename(&self.path, &self.restored)
    }
}

fn remove(path: &Path) -> Result<(), DataDirError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DataDirError::Io { path: path.to_owned(), source: error }),
        _ => Ok(()),
    }
}

/// Renames within a directory, durably.
fn rename(from: &Path, to: &Path) -> Result<(), DataDirError> {
    let folder = to.parent().unwrap_or(to);
    let synced = fs::rename(from, to).and_then(|()| File::open(folder)?.sync_all());
    synced.map_err(|source| DataDirError::Io { path: from.to_owned(), source })
}
