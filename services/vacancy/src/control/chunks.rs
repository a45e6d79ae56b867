//! A backup on its way over the control socket, in chunks.

use std::io::{self, Write};

use tokio::sync::mpsc;

/// The largest chunk, in bytes.
pub(super) const CHUNK_MAX: usize = 1 << 20;

/// Chunks that wait for a slow caller.
const CHUNKS_WAITING: usize = 2;

/// The two ends of a stream of chunks.
pub(super) fn channel() -> (ChunkWriter, mpsc::Receiver<Vec<u8>>) {
    let (chunks, receiver) = mpsc::channel(CHUNKS_WAITING);
    (ChunkWriter { chunks }, receiver)
}

/// Passes each write on as a chunk. Blocks while the caller is slow; fails once the caller is gone.
pub(super) struct ChunkWriter {
    chunks: mpsc::Sender<Vec<u8>>,
}

impl Write for ChunkWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = &bytes[..bytes.len().min(CHUNK_MAX)];
        self.chunks
            .blocking_send(chunk.to_vec())
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(chunk.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
