//! The file of keys.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretSlice, SecretString};
use tempfile::NamedTempFile;
use thiserror::Error;

use crate::{jwk::KeySetError, key_set::SigningKeys};

/// The name of the file in the data directory.
pub const FILE_NAME: &str = "signing-keys.json";
/// The longest file that is read, bytes.
const FILE_BYTES_MAX: u64 = 65_536;

/// Why a file of keys cannot be used. It shows nothing of the content.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// It cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It cannot be created.
    #[error("{} cannot be created: {source}", .path.display())]
    NotCreated {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It is too long.
    #[error("{} has more than {FILE_BYTES_MAX} bytes", .0.display())]
    TooLong(PathBuf),
    /// Its content is something else.
    #[error("{}: {source}", .path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: KeySetError,
    },
}

impl SigningKeys {
    /// Reads the keys in the file at `path`.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, KeyFileError> {
        let path = path.as_ref();
        let bytes = read(path)
            .map_err(|source| KeyFileError::Unreadable { path: path.to_owned(), source })?;
        let bytes = bytes.expose_secret();
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(KeyFileError::TooLong(path.to_owned()));
        }
        Self::from_bytes(bytes)
            .map_err(|source| KeyFileError::Invalid { path: path.to_owned(), source })
    }

    /// Reads the keys in [`FILE_NAME`] in `dir`. A missing file is created with one key, made of
    /// `random`, for its owner alone. When several processes do so, all of them get the key of the
    /// first.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub fn load_or_create(dir: impl AsRef<Path>, random: [u8; 32]) -> Result<Self, KeyFileError> {
        let path = dir.as_ref().join(FILE_NAME);
        match Self::load(&path) {
            Err(KeyFileError::Unreadable { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                let text = SecretString::from(Self::generate(random));
                create(dir.as_ref(), &path, text.expose_secret())
                    .map_err(|source| KeyFileError::NotCreated { path: path.clone(), source })?;
                Self::load(&path)
            }
            loaded => loaded,
        }
    }
}

/// Reads up to one byte more than is allowed.
fn read(path: &Path) -> io::Result<SecretSlice<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Creates the file at `path` in `dir`, unless there is one by then. It appears with all of its
/// content.
fn create(dir: &Path, path: &Path, text: &str) -> io::Result<()> {
    // Its mode is 0600.
    let mut file = NamedTempFile::with_prefix_in(".signing-keys-", dir)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => return Err(error.error),
        // Another process was first. Its file may not be durable yet.
        Ok(_) | Err(_) => {}
    }
    File::open(dir)?.sync_all()
}
