//! A minimal HTTP/1.1 client: keep-alive and `content-length`.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The longest response, bytes.
const ANSWER_MAX: usize = 65_536;

/// The bytes of a request: a POST of JSON with a body, a GET without.
pub fn request(path: &str, body: Option<&str>) -> Vec<u8> {
    match body {
        None => format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes(),
        Some(body) => {
            let length = body.len();
            format!("POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
                .into_bytes()
        }
    }
}

/// A connection with keep-alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    closing: bool,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(1_024), closing: false })
    }

    /// Sends `request` and reads the whole response; returns the status.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if let Some(head) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let text = std::str::from_utf8(&self.buffer[..head])
                    .map_err(io::Error::other)?
                    .to_ascii_lowercase();
                let status = text
                    .split(' ')
                    .nth(1)
                    .and_then(|status| status.parse().ok())
                    .ok_or(io::ErrorKind::InvalidData)?;
                let length: usize = value(&text, "content-length")
                    .and_then(|length| length.parse().ok())
                    .unwrap_or(0);
                self.closing = value(&text, "connection") == Some("close");
                while self.buffer.len() < head + 4 + length {
                    self.read().await?;
                }
                return Ok(status);
            }
            self.read().await?;
        }
    }

    /// The connection, unless the server closes it.
    pub fn reusable(self) -> Option<Self> {
        (!self.closing).then_some(self)
    }

    async fn read(&mut self) -> io::Result<()> {
        if self.buffer.len() > ANSWER_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        match self.stream.read_buf(&mut self.buffer).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

fn value<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}
