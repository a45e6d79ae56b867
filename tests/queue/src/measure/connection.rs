//! A connection that costs the client little: HTTP/1.1 with keep-alive and `content-length`.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The longest response, bytes.
const REPLY_MAX: usize = 65_536;

/// A POST with `key`, and a body of JSON if it is not empty.
pub fn post(path: &str, key: &str, body: &str) -> Vec<u8> {
    let json = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    let key = if key.is_empty() { String::new() } else { format!("idempotency-key: {key}\r\n") };
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: proof\r\n{key}{json}content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The address in a URL such as `http://127.0.0.1:8000`.
pub fn address_of(url: &str) -> io::Result<SocketAddr> {
    url.trim_start_matches("http://").parse().map_err(io::Error::other)
}

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(1_024) })
    }

    /// Sends `request` and reads the whole response; its status.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 || self.buffer.len() > REPLY_MAX {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
            while self.buffer.len() < end + 4 + length {
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            return status.ok_or_else(|| io::ErrorKind::InvalidData.into());
        }
    }
}
