//! A probe from inside the container, for images without a shell.

use std::{io, net::Ipv4Addr, process::ExitCode, time::Duration};

use telemetry::console::print_message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// Limit for the whole check.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// Longest accepted status line, bytes.
const STATUS_LINE_MAX_BYTES: u64 = 256;

/// The check failed.
#[derive(Debug, thiserror::Error)]
pub enum HealthcheckError {
    #[error("no connection or response: {0}")]
    Io(#[from] io::Error),
    #[error("no response within {} s", TIMEOUT.as_secs())]
    TimedOut,
    #[error("the response is not HTTP")]
    NotHttp,
    #[error("the response has status {0}")]
    Status(u16),
}

/// `GET path` at 127.0.0.1:`port`; succeeds on status 200.
///
/// # Errors
/// [`HealthcheckError`] otherwise.
pub async fn healthcheck(port: u16, path: &str) -> Result<(), HealthcheckError> {
    match timeout(TIMEOUT, status(port, path)).await.map_err(|_| HealthcheckError::TimedOut)?? {
        200 => Ok(()),
        other => Err(HealthcheckError::Status(other)),
    }
}

/// [`healthcheck`] as a command: exit code 0, or 1 with the reason on standard error.
pub async fn run(port: u16, path: &str) -> ExitCode {
    match healthcheck(port, path).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_message(&format_args!("http://127.0.0.1:{port}{path}: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn status(port: u16, path: &str) -> Result<u16, HealthcheckError> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream
        .write_all(
            format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
                .as_bytes(),
        )
        .await?;
    let mut response = Vec::new();
    stream.take(STATUS_LINE_MAX_BYTES).read_to_end(&mut response).await?;
    let response = String::from_utf8_lossy(&response);
    let mut words = response.split([' ', '\r']);
    let version = words.next().unwrap_or_default();
    let code =
        words.next().and_then(|code| code.parse().ok()).filter(|_| version.starts_with("HTTP/1."));
    code.ok_or(HealthcheckError::NotHttp)
}
