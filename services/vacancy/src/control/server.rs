//! Answering on the control socket.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use inventory_audit::transfer::{Manifest, TransferError, backup, backup_to, restore};
use inventory_embedded::{EmbeddedOptions, LedgerSource, StagedRestore};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::task::TaskTracker;
use vacancy_service::VacancySettings;

use super::{
    chunks::{self, ChunkWriter},
    message::{ControlRequest, ControlResponse},
    socket::{ControlError, SocketAddress, socket_path},
};

/// The longest line that is read, bytes: a path and a little JSON around it.
const LINE_MAX: u64 = 16_384;
/// Time for a caller to send the line.
const LINE_TIMEOUT: Duration = Duration::from_secs(5);

/// Time for a caller to take a chunk of a backup. A slower one would keep the snapshot alive.
const CHUNK_TIMEOUT: Duration = Duration::from_secs(60);

/// A restored store that is complete: to be accepted once nothing is sold from the present one.
pub struct Restored {
    /// The store.
    pub staged: StagedRestore,
    /// Its items.
    pub manifest: Manifest,
    /// The caller of the restore waits for the result on this channel.
    pub done: oneshot::Sender<ControlResponse>,
}

/// The listening socket; it is gone when this is stopped.
pub struct ControlServer {
    listener: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    restored: Mutex<mpsc::Receiver<Restored>>,
    path: PathBuf,
}

struct Shared {
    source: LedgerSource,
    data_dir: PathBuf,
    options: EmbeddedOptions,
    restored: mpsc::Sender<Restored>,
    /// One at a time: a restore is staged in one place.
    busy: Mutex<()>,
    /// Set when the process turns to closing: copies under way end.
    ending: AtomicBool,
    /// The copies under way.
    copies: TaskTracker,
}

impl ControlServer {
    /// Listens in the data directory of `settings`. A socket that an earlier process left is
    /// replaced: this one has the lock.
    ///
    /// Without a socket there is no backup of the running process, and everything else works; so
    /// that is logged, not an error.
    #[must_use]
    pub fn listen(settings: &VacancySettings, source: LedgerSource) -> Self {
        let path = socket_path(&settings.data_dir);
        let (sender, restored) = mpsc::channel(1);
        let shared = Arc::new(Shared {
            source,
            data_dir: settings.data_dir.clone(),
            options: settings.store.clone(),
            restored: sender,
            busy: Mutex::new(()),
            ending: AtomicBool::new(false),
            copies: TaskTracker::new(),
        });
        let listener = match bind(&path) {
            Ok(listener) => Some(tokio::spawn(accept(listener, shared.clone()))),
            Err(error) => {
                tracing::error!(%error, "cannot open the control socket; backup and restore of this process are unavailable");
                None
            }
        };
        Self { listener, shared, restored: Mutex::new(restored), path }
    }

    /// Waits until a restored store is complete.
    pub async fn restored(&self) -> Restored {
        match self.restored.lock().await.recv().await {
            Some(restored) => restored,
            // A sender is in `shared`, so this does not happen.
            None => std::future::pending().await,
        }
    }

    /// Closes the socket and ends running copies.
    pub async fn stop(self) {
        if let Some(listener) = self.listener {
            listener.abort();
        }
        let _ = fs::remove_file(&self.path);
        self.shared.ending.store(true, Ordering::SeqCst);
        self.shared.copies.close();
        self.shared.copies.wait().await;
    }
}

fn bind(path: &Path) -> Result<UnixListener, ControlError> {
    let _ = fs::remove_file(path);
    let failed = |error: std::io::Error| ControlError::new(path, &error);
    let address = SocketAddress::of(path).map_err(failed)?;
    let listener = UnixListener::bind(address.as_path()).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

async fn accept(listener: UnixListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let shared = shared.clone();
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, shared).await {
                        tracing::warn!(%error, "control connection failed");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept control connections");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn serve(stream: UnixStream, shared: Arc<Shared>) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = Vec::new();
    let mut reader = BufReader::new(reader.take(LINE_MAX));
    timeout(LINE_TIMEOUT, reader.read_until(b'\n', &mut line)).await??;
    let (replies, mut response) = mpsc::unbounded_channel();
    let (stream, mut chunks) = chunks::channel();
    match ControlRequest::parse(&line) {
        Ok(request) => {
            tokio::spawn(handle(shared, request, stream, replies));
        }
        Err(reason) => {
            let _ = replies.send(ControlResponse::Failed(reason));
            drop((replies, stream));
        }
    }
    loop {
        // Chunks first: the result follows the last of them.
        tokio::select! {
            biased;
            Some(chunk) = chunks.recv() => {
                let mut message = line_of(&ControlResponse::Chunk(chunk.len()))?;
                message.extend(chunk);
                timeout(CHUNK_TIMEOUT, writer.write_all(&message)).await??;
            }
            Some(response) = response.recv() => writer.write_all(&line_of(&response)?).await?,
            else => return Ok(()),
        }
    }
}

fn line_of(response: &ControlResponse) -> std::io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(response)?;
    line.push(b'\n');
    Ok(line)
}

/// Handles the request whether or not the caller still listens.
async fn handle(
    shared: Arc<Shared>,
    request: ControlRequest,
    stream: ChunkWriter,
    replies: mpsc::UnboundedSender<ControlResponse>,
) {
    let end = match request {
        ControlRequest::StreamBackup => stream_backup(&shared, stream, replies.clone())
            .await
            .map(|manifest| ControlResponse::done(&manifest)),
        ControlRequest::Backup { dir } => back_up(&shared, dir, replies.clone())
            .await
            .map(|manifest| ControlResponse::done(&manifest)),
        ControlRequest::Restore { dir } => restore_beside(shared, dir, replies.clone()).await,
    };
    let _ = replies.send(end.unwrap_or_else(ControlResponse::Failed));
}

/// Runs a copy on a thread that may block; it hears when the process turns to closing.
async fn copy<T: Send + 'static>(
    shared: &Arc<Shared>,
    replies: mpsc::UnboundedSender<ControlResponse>,
    work: impl FnOnce(&Shared, &mut dyn FnMut(u64) -> bool) -> Result<T, TransferError> + Send + 'static,
) -> Result<T, String> {
    let _one = shared.busy.try_lock().map_err(|_| "another backup or restore is under way")?;
    let inner = shared.clone();
    let blocking = move || {
        let mut progress = |records| {
            let _ = replies.send(ControlResponse::Records(records));
            !inner.ending.load(Ordering::SeqCst)
        };
        work(&inner, &mut progress)
    };
    let done = shared.copies.spawn_blocking(blocking).await;
    done.map_err(|error| error.to_string())?.map_err(|error| error.to_string())
}

async fn back_up(
    shared: &Arc<Shared>,
    dir: PathBuf,
    replies: mpsc::UnboundedSender<ControlResponse>,
) -> Result<Manifest, String> {
    let manifest =
        copy(shared, replies, move |shared, progress| backup(&shared.source, &dir, progress))
            .await?;
    tracing::info!(records = manifest.records, "backup completed");
    Ok(manifest)
}

async fn stream_backup(
    shared: &Arc<Shared>,
    mut stream: ChunkWriter,
    replies: mpsc::UnboundedSender<ControlResponse>,
) -> Result<Manifest, String> {
    let manifest = copy(shared, replies, move |shared, progress| {
        backup_to(&shared.source, &mut stream, progress)
    })
    .await?;
    tracing::info!(records = manifest.records, "backup completed");
    Ok(manifest)
}

/// Builds and checks the restored store beside the running one, and waits until it has taken its
/// place.
async fn restore_beside(
    shared: Arc<Shared>,
    dir: PathBuf,
    replies: mpsc::UnboundedSender<ControlResponse>,
) -> Result<ControlResponse, String> {
    let staging = move |shared: &Shared, progress: &mut dyn FnMut(u64) -> bool| {
        let staged = StagedRestore::beside(&shared.data_dir)?;
        let manifest = restore(&dir, &staged, &shared.options, progress)?;
        Ok((staged, manifest))
    };
    let (staged, manifest) = copy(&shared, replies, staging).await?;
    let (done, end) = oneshot::channel();
    let nothing_changed =
        |_| "the process ended before it was in place; nothing has changed".to_owned();
    let restored = shared.restored.clone();
    // What reads from the present store has to let go of it.
    drop(shared);
    restored.send(Restored { staged, manifest, done }).await.map_err(|_| nothing_changed(()))?;
    end.await.map_err(|_| nothing_changed(()))
}
