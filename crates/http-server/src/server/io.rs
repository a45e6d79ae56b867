//! A TCP stream that records its transfers.

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

use super::{hyper_reply, state::ConnState, transfer_coding};

pub(super) struct TrackedStream {
    stream: TcpStream,
    state: Arc<ConnState>,
    /// Written instead of the bytes that hyper passed.
    replacement: Option<Replacement>,
    /// The bytes read last name a transfer coding other than chunked.
    unknown_coding: bool,
}

/// A problem that replaces a reply of hyper's own.
struct Replacement {
    bytes: Vec<u8>,
    written: usize,
    /// Length of the original, which is reported as written.
    original_len: usize,
}

impl TrackedStream {
    pub fn new(stream: TcpStream, state: Arc<ConnState>) -> Self {
        Self { stream, state, replacement: None, unknown_coding: false }
    }

    /// Writes a problem instead if `first`, the whole write, is a reply of hyper's own.
    fn poll_replacement(
        &mut self,
        cx: &mut Context<'_>,
        first: &[u8],
    ) -> Option<Poll<io::Result<usize>>> {
        if self.replacement.is_none() {
            let bytes = hyper_reply::problem_for(first, self.unknown_coding)?;
            self.replacement = Some(Replacement { bytes, written: 0, original_len: first.len() });
        }
        let replacement = self.replacement.as_mut()?;
        while replacement.written < replacement.bytes.len() {
            match Pin::new(&mut self.stream)
                .poll_write(cx, &replacement.bytes[replacement.written..])
            {
                Poll::Ready(Ok(0)) => {
                    return Some(Poll::Ready(Err(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(more)) => replacement.written += more,
                other => return Some(other),
            }
        }
        let original_len = replacement.original_len;
        self.replacement = None;
        Some(Poll::Ready(Ok(original_len)))
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
            self.unknown_coding = transfer_coding::is_unknown(&buf.filled()[before..]);
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
        let result = match self.poll_replacement(cx, buf) {
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
        let result = match only.and_then(|only| self.poll_replacement(cx, only)) {
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
