//! A store that is built beside the one in use.

use std::path::{Path, PathBuf};

use inventory_store::StoreError;

use crate::{
    data_dir::{DataDir, DataDirError, StoreDir, remove, rename},
    errors::failed,
    options::EmbeddedOptions,
    store::EmbeddedStore,
    tables::Tables,
};

/// A store that is built in a data directory, beside the one in use, to take its place.
#[derive(Debug)]
pub struct StagedRestore {
    dir: StoreDir,
    restored: PathBuf,
}

impl StagedRestore {
    /// The place for it in `data_dir`, which the calling process has locked. Leftovers of an
    /// earlier attempt are removed.
    ///
    /// # Errors
    /// [`DataDirError::Io`].
    pub fn beside(data_dir: &Path) -> Result<Self, DataDirError> {
        let path = data_dir.join(DataDir::STAGING);
        remove(&path)?;
        Ok(Self { dir: StoreDir::at(path), restored: data_dir.join(DataDir::RESTORED) })
    }

    /// Opens the new store, to be filled.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(&self, options: &EmbeddedOptions) -> Result<EmbeddedStore, StoreError> {
        let mut store = EmbeddedStore::over(Tables::open(&self.dir.tables(), options)?, options)?;
        store.contents.dir = Some((self.dir.clone(), 0));
        Ok(store)
    }

    /// Syncs the filled store, closes it and marks it complete.
    ///
    /// # Errors
    /// [`DataDirError`].
    pub fn seal(&self, store: EmbeddedStore) -> Result<(), DataDirError> {
        store.contents.tables.sync().map_err(|error| DataDirError::store(failed(error)))?;
        drop(store);
        self.dir.seal()
    }

    /// Accepts the staged store: the next opening uses it. Call it only after sales from the other
    /// store have stopped.
    ///
    /// # Errors
    /// [`DataDirError::Io`].
    pub fn accept(&self) -> Result<(), DataDirError> {
        remove(&self.restored)?;
        rename(self.dir.path(), &self.restored)
    }
}
