//! The path of the control socket, and how a call on it fails.

use std::{
    fs::File,
    io,
    os::{fd::AsRawFd, unix::ffi::OsStrExt},
    path::{Path, PathBuf},
};

use thiserror::Error;

/// The name of the socket in the data directory.
const NAME: &str = "control.sock";
/// The longest path that every system accepts as the address of a socket, bytes.
const PATH_MAX: usize = 100;

/// Why the control socket could not be used.
#[derive(Debug, Error)]
#[error("control socket {}: {reason}", .path.display())]
pub struct ControlError {
    path: PathBuf,
    reason: String,
}

impl ControlError {
    pub(super) fn new(path: &Path, reason: &impl ToString) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Where the socket of a data directory is.
#[must_use]
pub fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// The address of the socket at a path. An address is short, and a path need not be: a long one is
/// reached through the open directory.
pub(super) struct SocketAddress {
    path: PathBuf,
    _dir: Option<File>,
}

impl SocketAddress {
    pub fn of(path: &Path) -> io::Result<Self> {
        let (Some(dir), true) = (path.parent(), path.as_os_str().as_bytes().len() > PATH_MAX)
        else {
            return Ok(Self { path: path.to_owned(), _dir: None });
        };
        let dir = File::open(dir)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", dir.as_raw_fd())).join(NAME);
        Ok(Self { path, _dir: Some(dir) })
    }

    /// The path for a system call, as long as this lives.
    pub fn as_path(&self) -> &Path {
        &self.path
    }
}
