//! A proxy that delivers every request twice, the same bytes on two connections at once, and
//! compares the answers.

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

/// Passes on what comes to `address`, twice.
pub struct Doubler {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    doubled: AtomicU64,
    same: AtomicU64,
}

impl Doubler {
    /// In front of `port` on this machine.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Seen::default()));
        let doubler = Self { address, seen: seen.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let seen = seen.clone();
                tokio::spawn(async move { drop(pass(client, port, &seen).await) });
            }
        });
        doubler
    }

    /// How many requests were delivered twice, and how many of them had two answers with the same
    /// body.
    #[must_use]
    pub fn seen(&self) -> (u64, u64) {
        (self.seen.doubled.load(Ordering::SeqCst), self.seen.same.load(Ordering::SeqCst))
    }
}

async fn pass(mut client: TcpStream, port: u16, seen: &Seen) -> io::Result<()> {
    let mut ways = [
        TcpStream::connect(("127.0.0.1", port)).await?,
        TcpStream::connect(("127.0.0.1", port)).await?,
    ];
    loop {
        let (request, _) = message(&mut client).await?;
        let [one, other] = &mut ways;
        let (one, other) = tokio::try_join!(exchange(one, &request), exchange(other, &request))?;
        seen.doubled.fetch_add(1, Ordering::SeqCst);
        seen.same.fetch_add(u64::from(one.0[one.1..] == other.0[other.1..]), Ordering::SeqCst);
        // The second answer is the one that is heard: it may well be the repetition.
        client.write_all(&other.0).await?;
    }
}

async fn exchange(way: &mut TcpStream, request: &[u8]) -> io::Result<(Vec<u8>, usize)> {
    way.write_all(request).await?;
    message(way).await
}

/// One whole HTTP/1.1 message whose length is told, and where its body begins.
async fn message(stream: &mut TcpStream) -> io::Result<(Vec<u8>, usize)> {
    let (mut bytes, mut chunk) = (Vec::new(), vec![0; 65_536]);
    loop {
        if let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
            let told = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() >= head + 4 + told.unwrap_or(0) {
                return Ok((bytes, head + 4));
            }
        }
        match stream.read(&mut chunk).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            len => bytes.extend_from_slice(&chunk[..len]),
        }
    }
}
