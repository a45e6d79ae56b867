//! A proxy that delivers every request twice, on two connections at once, and compares the
//! responses.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Passes requests to `address` on, twice.
pub struct DuplicatingProxy {
    /// The address it listens on.
    pub address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    duplicated: AtomicU64,
    same: AtomicU64,
}

impl DuplicatingProxy {
    /// In front of `port` on this machine.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, counts) = (listener.local_addr().unwrap(), Arc::new(Counts::default()));
        let proxy = Self { address, counts: counts.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let counts = counts.clone();
                tokio::spawn(async move { drop(pass(client, port, &counts).await) });
            }
        });
        proxy
    }

    /// The number of requests delivered twice, and of those with two identical answers.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.counts.duplicated.load(Ordering::SeqCst), self.counts.same.load(Ordering::SeqCst))
    }
}

async fn pass(mut client: TcpStream, port: u16, counts: &Counts) -> io::Result<()> {
    let mut servers = [
        TcpStream::connect(("127.0.0.1", port)).await?,
        TcpStream::connect(("127.0.0.1", port)).await?,
    ];
    loop {
        let (request, _) = message(&mut client).await?;
        let [one, other] = &mut servers;
        let (one, other) = tokio::try_join!(exchange(one, &request), exchange(other, &request))?;
        counts.duplicated.fetch_add(1, Ordering::SeqCst);
        let same = answers(&one.0[one.1..]) == answers(&other.0[other.1..]);
        counts.same.fetch_add(u64::from(same), Ordering::SeqCst);
        // The client gets the second response, which is often the repeated one.
        client.write_all(&other.0).await?;
    }
}

/// The answers in a body: a batch also has the counts of its events as they are now.
fn answers(body: &[u8]) -> &[u8] {
    const COUNTS: &[u8] = b",\"events\":[";
    let counts = body.windows(COUNTS.len()).position(|part| part == COUNTS);
    &body[..counts.unwrap_or(body.len())]
}

async fn exchange(server: &mut TcpStream, request: &[u8]) -> io::Result<(Vec<u8>, usize)> {
    server.write_all(request).await?;
    message(server).await
}

/// One whole HTTP/1.1 message with a content length, and the offset of its body.
async fn message(stream: &mut TcpStream) -> io::Result<(Vec<u8>, usize)> {
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 65_536]);
    loop {
        if let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() >= head + 4 + length.unwrap_or(0) {
                return Ok((bytes, head + 4));
            }
        }
        match stream.read(&mut chunk).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            len => bytes.extend_from_slice(&chunk[..len]),
        }
    }
}
