//! Sending a request to a running process.

use std::{
    io::{self, Write},
    path::Path,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use super::{
    chunks::CHUNK_MAX,
    message::{ControlRequest, ControlResponse},
    socket::{ControlError, SocketAddress, socket_path},
};

/// Sends `request` to the process that has `data_dir` open and returns its last response.
/// `progress` receives the number of records so far.
///
/// # Errors
/// [`ControlError`] when the process cannot be reached or goes away.
pub async fn send(
    data_dir: &Path,
    request: &ControlRequest,
    progress: impl FnMut(u64),
) -> Result<ControlResponse, ControlError> {
    match send_into(data_dir, request, progress, &mut io::sink()).await {
        Ok(response) => Ok(response),
        Err(SendError::Control(error)) => Err(error),
        Err(SendError::Target(_)) => unreachable!("a sink takes every write"),
    }
}

/// Why a streamed request failed.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The process cannot be reached or went away.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The target cannot be written.
    #[error(transparent)]
    Target(io::Error),
}

/// Like [`send`]; what the process streams goes to `target`.
///
/// # Errors
/// [`SendError`].
pub async fn send_into(
    data_dir: &Path,
    request: &ControlRequest,
    mut progress: impl FnMut(u64),
    target: &mut impl Write,
) -> Result<ControlResponse, SendError> {
    let path = socket_path(data_dir);
    let failed = |error: std::io::Error| ControlError::new(&path, &error);
    let address = SocketAddress::of(&path).map_err(failed)?;
    let mut stream = UnixStream::connect(address.as_path()).await.map_err(failed)?;
    let mut line = serde_json::to_vec(request).map_err(|error| ControlError::new(&path, &error))?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(failed)?;
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        if stream.read_until(b'\n', &mut line).await.map_err(failed)? == 0 {
            return Err(ControlError::new(&path, &"the process went away").into());
        }
        match serde_json::from_slice(&line).map_err(|error| ControlError::new(&path, &error))? {
            ControlResponse::Records(records) => progress(records),
            ControlResponse::Chunk(bytes) => {
                if bytes > CHUNK_MAX {
                    return Err(ControlError::new(&path, &"a chunk is too large").into());
                }
                let mut chunk = vec![0; bytes];
                stream.read_exact(&mut chunk).await.map_err(failed)?;
                target.write_all(&chunk).map_err(SendError::Target)?;
            }
            end @ (ControlResponse::Done { .. } | ControlResponse::Failed(_)) => return Ok(end),
        }
    }
}
