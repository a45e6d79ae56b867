//! Keys that may change while the process runs.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::RwLock;
use rand::Rng;

use crate::{file::KeyFileError, key_set::SigningKeys};

/// Where the keys come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    /// A file that somebody else writes.
    File(PathBuf),
    /// A file in a data directory, made when it is first needed.
    DataDir(PathBuf),
    Nowhere,
}

/// The keys of a process; clones share them.
#[derive(Debug, Clone)]
pub struct LiveKeys(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Origin,
    keys: RwLock<Option<SigningKeys>>,
}

impl LiveKeys {
    /// No keys.
    #[must_use]
    pub fn none() -> Self {
        Self::of(Origin::Nowhere, None)
    }

    /// The keys in the file at `path`, which must be there.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn in_file(path: PathBuf) -> Result<Self, KeyFileError> {
        let keys = SigningKeys::load(&path)?;
        Ok(Self::of(Origin::File(path), Some(keys)))
    }

    /// The keys in the data directory at `dir`. They are made when they are first needed and the
    /// directory is there.
    #[must_use]
    pub fn in_data_dir(dir: PathBuf) -> Self {
        Self::of(Origin::DataDir(dir), None)
    }

    fn of(origin: Origin, keys: Option<SigningKeys>) -> Self {
        Self(Arc::new(Inner { origin, keys: RwLock::new(keys) }))
    }

    /// The keys, if there are any.
    #[must_use]
    pub fn current(&self) -> Option<SigningKeys> {
        if let Some(keys) = &*self.0.keys.read() {
            return Some(keys.clone());
        }
        let Origin::DataDir(dir) = &self.0.origin else { return None };
        let mut random = [0; 32];
        rand::rng().fill_bytes(&mut random);
        let keys = SigningKeys::load_or_create(dir, random).ok()?;
        Some(self.0.keys.write().get_or_insert(keys).clone())
    }

    /// The file that may change, if there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match &self.0.origin {
            Origin::File(path) => Some(path),
            Origin::DataDir(_) | Origin::Nowhere => None,
        }
    }

    /// Reads the file again; whether it has other keys. On an error the last ones stay.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn reload(&self) -> Result<bool, KeyFileError> {
        let Some(path) = self.file() else { return Ok(false) };
        let keys = SigningKeys::load(path)?;
        let mut current = self.0.keys.write();
        if current.as_ref() == Some(&keys) {
            return Ok(false);
        }
        *current = Some(keys);
        Ok(true)
    }
}
