//! A probe from inside the container: images without a shell have no `curl`.

use std::{io, net::Ipv4Addr, process::ExitCode, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long the whole check may take.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// Longest status line that is waited for, bytes.
const STATUS_LINE_MAX_BYTES: u64 = 256;

/// Why the check failed.
#[derive(Debug, thiserror::Error)]
pub enum HealthcheckError {
    #[error("no connection or answer: {0}")]
    Io(#[from] io::Error),
    #[error("no answer within {} s", TIMEOUT.as_secs())]
    TimedOut,
    #[error("the answer is not HTTP")]
    NotHttp,
    #[error("the answer is status {0}")]
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

/// [`healthcheck`] as a process: exit code 0 or 1, the reason on standard error.
pub async fn run(port: u16, path: &str) -> ExitCode {
    match healthcheck(port, path).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("http://127.0.0.1:{port}{path}: {error}");
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
    let mut answer = Vec::new();
    stream.take(STATUS_LINE_MAX_BYTES).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let mut words = answer.split([' ', '\r']);
    let version = words.next().unwrap_or_default();
    let code =
        words.next().and_then(|code| code.parse().ok()).filter(|_| version.starts_with("HTTP/1."));
    code.ok_or(HealthcheckError::NotHttp)
}
