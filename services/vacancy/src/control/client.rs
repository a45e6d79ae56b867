//! Sending a request to a running process.

use std::path::Path;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use super::{
    message::{ControlRequest, ControlResponse},
    socket::{ControlError, socket_path},
};

/// Sends `request` to the process that has `data_dir` open and returns its last response.
/// `progress` receives the number of records so far.
///
/// # Errors
/// [`ControlError`] when the process cannot be reached or goes away.
pub async fn send(
    data_dir: &Path,
    request: &ControlRequest,
    mut progress: impl FnMut(u64),
) -> Result<ControlResponse, ControlError> {
    let path = socket_path(data_dir);
    let failed = |error: std::io::Error| ControlError::new(&path, &error);
    let mut stream = UnixStream::connect(&path).await.map_err(failed)?;
    let mut line = serde_json::to_vec(request).map_err(|error| ControlError::new(&path, &error))?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(failed)?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        match serde_json::from_str(&line).map_err(|error| ControlError::new(&path, &error))? {
            ControlResponse::Records(records) => progress(records),
            end @ (ControlResponse::Done { .. } | ControlResponse::Failed(_)) => return Ok(end),
        }
    }
    Err(ControlError::new(&path, &"the process went away"))
}
