//! A TCP stream that notes what moved over it.

use std::{
    io,
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{refusal, state::ConnState};

pub(super) struct TrackedStream {
    stream: TcpStream,
    state: Arc<ConnState>,
    /// Written in the place of what was to be written.
    instead: Option<Instead>,
}

/// An answer of hyper's own, told as a problem.
struct Instead {
    bytes: Vec<u8>,
    written: usize,
    /// How long the original is: so much is said to have been written.
    stands_for: usize,
}

impl TrackedStream {
    pub fn new(stream: TcpStream, state: Arc<ConnState>) -> Self {
        Self { stream, state, instead: None }
    }

    /// Writes something else if `first`, all that is to be written, is an answer of hyper's own.
    fn poll_instead(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.instead.is_none() {
            let bytes = refusal::instead_of(first)?;
            self.instead = Some(Instead { bytes, written: 0, stands_for: first.len() });
        }
        let instead = self.instead.as_mut()?;
        while instead.written < instead.bytes.len() {
            match Pin::new(&mut self.stream).poll_write(cx, &instead.bytes[instead.written..]) {
                Poll::Ready(Ok(0)) => {
                    return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(more)) => instead.written += more,
                other => return Some(other),
            }
        }
        let stands_for = instead.stands_for;
        self.instead = None;
        Some(Poll::Ready(Ok(stands_for)))
    }

    fn note_write(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.state.write_blocked.store(result.is_pending(), Relaxed);
        if result.is_ready() {
            self.state.transfers.fetch_add(1, Relaxed);
        }
        result
    }
}

impl AsyncRead for TrackedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.state.head_bytes.store(true, Relaxed);
            self.state.transfers.fetch_add(1, Relaxed);
        }
        result
    }
}

impl AsyncWrite for TrackedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = match self.poll_instead(cx, buf) {
            Some(result) => result,
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        };
        self.note_write(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = bufs.iter().filter(|buf| !buf.is_empty());
        let only = filled.next().filter(|_| filled.next().is_none());
        let result = match only.and_then(|only| self.poll_instead(cx, only)) {
            Some(result) => result,
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
        };
        self.note_write(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
