//! HTTP over the simulated network: the pool of connections that reqwest uses, and the accept loop.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::Router;
use bytes::Bytes;
use http::Uri;
use http_body_util::Full;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use turmoil::net::{TcpListener, TcpStream};

/// A pool of connections.
pub type Pool = Client<Connector, Full<Bytes>>;

/// A pool that gives up connecting after a time.
#[must_use]
pub fn pool(connect_timeout: Duration) -> Pool {
    // The pool's clock is the machine's, not the simulation's: connections do not expire.
    Client::builder(TokioExecutor::new())
        .pool_idle_timeout(None)
        .build(Connector { connect_timeout })
}

/// Serves `router` on `port` until `end` completes.
///
/// # Errors
/// When the port is taken.
pub async fn serve(router: Router, port: u16, end: impl Future<Output = ()>) -> turmoil::Result {
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    let mut end = std::pin::pin!(end);
    loop {
        tokio::select! {
            // In a fixed order: the same seed gives the same run.
            biased;
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let service = TowerToHyperService::new(router.clone());
                tokio::spawn(async move { drop(Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await) });
            }
            () = &mut end => return Ok(()),
        }
    }
}

/// Makes connections.
#[derive(Debug, Clone)]
pub struct Connector {
    connect_timeout: Duration,
}

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let within = self.connect_timeout;
        Box::pin(async move {
            let (host, port) =
                (uri.host().unwrap_or_default().to_owned(), uri.port_u16().unwrap_or(80));
            let stream = tokio::time::timeout(within, TcpStream::connect((host, port))).await??;
            Ok(TokioIo::new(Stream(stream)))
        })
    }
}

/// A connection, as the pool wants it.
pub struct Stream(TcpStream);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
