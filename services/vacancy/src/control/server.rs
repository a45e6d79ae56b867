//! Answering on the control socket.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use inventory::store::EmbeddedOptions;
use inventory::transfer::{Manifest, TransferError, backup, restore};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, mpsc, watch};
use tokio::task::JoinHandle;

use super::{Ask, ControlError, Told, socket_path};
use crate::room::Source;
use crate::settings::VacancySettings;

/// The longest line that is read, bytes: a path and a little JSON around it.
const LINE_MAX: u64 = 16_384;
/// How long a caller may take to send it.
const LINE_TIMEOUT: Duration = Duration::from_secs(5);

/// The listening socket; it is gone when this is stopped.
pub struct Control {
    listener: JoinHandle<()>,
    restored: watch::Receiver<bool>,
    path: PathBuf,
}

struct Shared {
    source: Source,
    data_dir: PathBuf,
    options: EmbeddedOptions,
    restored: watch::Sender<bool>,
    /// One at a time: a restore is staged in one place.
    busy: Mutex<()>,
}

impl Control {
    /// Listens in the data directory of `settings`. A socket that an earlier process left is replaced: this one has the lock.
    ///
    /// # Errors
    /// [`ControlError`] when the socket cannot be made, for example because the path is longer than a socket's may be.
    pub fn listen(settings: &VacancySettings, source: Source) -> Result<Self, ControlError> {
        let path = socket_path(&settings.data_dir);
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path).map_err(|error| ControlError::new(&path, &error))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(|error| ControlError::new(&path, &error))?;
        let (sender, restored) = watch::channel(false);
        let shared = Arc::new(Shared {
            source,
            data_dir: settings.data_dir.clone(),
            options: settings.store.clone(),
            restored: sender,
            busy: Mutex::new(()),
        });
        let listener = tokio::spawn(accept(listener, shared));
        Ok(Self { listener, restored, path })
    }

    /// Waits until a restored store is ready to be opened.
    pub async fn restored(&self) {
        let mut restored = self.restored.clone();
        if restored.wait_for(|restored| *restored).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Closes the socket.
    pub fn stop(self) {
        self.listener.abort();
        let _ = fs::remove_file(&self.path);
    }
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = shared.clone();
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, &shared).await {
                        tracing::warn!(%error, "a call on the control socket broke off");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket cannot accept");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn serve(stream: UnixStream, shared: &Arc<Shared>) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader.take(LINE_MAX));
    tokio::time::timeout(LINE_TIMEOUT, reader.read_line(&mut line)).await??;
    let (tell, mut told) = mpsc::unbounded_channel();
    match serde_json::from_str::<Ask>(&line) {
        Ok(ask) => {
            tokio::spawn(handle(shared.clone(), ask, tell));
        }
        Err(error) => {
            let _ = tell.send(Told::Failed(format!("not understood: {error}")));
        }
    }
    while let Some(told) = told.recv().await {
        let mut line = serde_json::to_vec(&told)?;
        line.push(b'\n');
        writer.write_all(&line).await?;
    }
    Ok(())
}

/// Does what is asked whether or not the caller still listens.
async fn handle(shared: Arc<Shared>, ask: Ask, tell: mpsc::UnboundedSender<Told>) {
    let _one = shared.busy.lock().await;
    let (inner, progress) = (shared.clone(), tell.clone());
    let restores = matches!(ask, Ask::Restore { .. });
    let work = move || {
        let progress = |records| {
            let _ = progress.send(Told::Records(records));
        };
        match &ask {
            Ask::Backup { dir } => backup(&inner.source, dir, progress),
            Ask::Restore { dir } => stage(dir, &inner, progress),
        }
    };
    let end = match tokio::task::spawn_blocking(work).await {
        Ok(Ok(manifest)) => {
            tracing::info!(records = manifest.records, restores, "done on the control socket");
            Told::Done { records: manifest.records, events: manifest.events.len() }
        }
        Ok(Err(error)) => Told::Failed(error.to_string()),
        Err(error) => Told::Failed(error.to_string()),
    };
    let done = matches!(end, Told::Done { .. });
    let _ = tell.send(end);
    if done && restores {
        // Let the answer leave before the process turns to reopening.
        tokio::time::sleep(Duration::from_millis(50)).await;
        shared.restored.send_replace(true);
    }
}

/// Builds and checks the restored store beside the running one, and declares it the next to be opened.
fn stage(dir: &Path, shared: &Shared, progress: impl FnMut(u64)) -> Result<Manifest, TransferError> {
    use inventory::store::StagedRestore;
    let staged = StagedRestore::beside(&shared.data_dir);
    let manifest = restore(dir, staged.path(), &shared.options, progress)?;
    staged.accept()?;
    Ok(manifest)
}
