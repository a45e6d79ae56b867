//! Opening a store: create, finish an accepted restore, migrate an older format, check the count.

use std::path::PathBuf;

use crate::{
    data_dir::{DataDir, DataDirError, FORMAT_BASE},
    journal_preallocator::JournalPreallocator,
    lookup_builder::LookupBuilder,
    migrate::rebuild_state,
    options::EmbeddedOptions,
    presence::Presence,
    store::EmbeddedStore,
    tables::Tables,
};

impl EmbeddedStore {
    /// Opens the store in the directory at `path`, creating or migrating it where needed.
    ///
    /// # Errors
    /// [`DataDirError`] when the directory is in use, of a newer format, damaged or unreadable.
    pub fn open(path: impl Into<PathBuf>, options: &EmbeddedOptions) -> Result<Self, DataDirError> {
        Self::open_in(DataDir::lock(path.into())?, options)
    }

    /// Opens the store in `dir`, which stays locked until the store and every handle for reading it
    /// are gone.
    ///
    /// # Errors
    /// As [`EmbeddedStore::open`].
    pub fn open_in(dir: DataDir, options: &EmbeddedOptions) -> Result<Self, DataDirError> {
        dir.finish_restore()?;
        let db = dir.db();
        if !db.exists() {
            let new = dir.new_db()?;
            drop(Tables::open(&new.tables(), options).map_err(DataDirError::store)?);
            new.seal()?;
            dir.install_new()?;
        }
        let found = db.format()?;
        let mut tables = Tables::open(&db.tables(), options).map_err(DataDirError::store)?;
        if found < FORMAT_BASE {
            tracing::info!(from = found, to = FORMAT_BASE, "migrating the data directory");
            rebuild_state(&tables, options).map_err(|error| DataDirError::Migration {
                from: found,
                reason: error.to_string(),
            })?;
            db.seal()?;
        }
        let (path, lock) = (dir.path().to_owned(), dir.lock_file());
        tables.keep_locked(dir);
        let mut store = Self::over(tables, options).map_err(DataDirError::store)?;
        store.contents.check_watermark(&db)?;
        store.contents.dir = Some((db.clone(), db.format()?));
        store.contents.journal.lock().preallocator = Some(JournalPreallocator::new(&db.tables()));
        let presence = Presence::watch(&path, lock, db.watermark(), db.tables());
        store.presence = Some(presence.map_err(DataDirError::io(&path))?);
        store.lookup_builder =
            LookupBuilder::start(&store.contents).map_err(DataDirError::io(&path))?;
        Ok(store)
    }
}
