//! Asking a running process.

use std::path::Path;

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
};

use super::{Ask, ControlError, Told, socket_path};

/// Asks the process that has `data_dir` open; `progress` hears of the records so far. Returns how
/// it ended.
///
/// # Errors
/// [`ControlError`] when the process cannot be reached or goes away.
pub async fn ask(
    data_dir: &Path,
    ask: &Ask,
    mut progress: impl FnMut(u64),
) -> Result<Told, ControlError> {
    let path = socket_path(data_dir);
    let failed = |error: std::io::Error| ControlError::new(&path, &error);
    let mut stream = UnixStream::connect(&path).await.map_err(failed)?;
    let mut line = serde_json::to_vec(ask).map_err(|error| ControlError::new(&path, &error))?;
    line.push(b'\n');
    stream.write_all(&line).await.map_err(failed)?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await.map_err(failed)? {
        match serde_json::from_str(&line).map_err(|error| ControlError::new(&path, &error))? {
            Told::Records(records) => progress(records),
            end @ (Told::Done { .. } | Told::Failed(_)) => return Ok(end),
        }
    }
    Err(ControlError::new(&path, &"the process went away"))
}
