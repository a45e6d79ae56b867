//! A TCP proxy that breaks connections on purpose.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The moment at which a connection is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Cut {
    /// Never.
    Nowhere = 0,
    /// As soon as it is accepted.
    OnAccept = 1,
    /// After reading the request, before passing on any of it.
    BeforeRequest = 2,
    /// After passing on half of the request.
    WithinRequest = 3,
    /// After passing on the request, without waiting for the response.
    AfterRequest = 4,
    /// After reading the response, before passing on any of it.
    BeforeAnswer = 5,
    /// After passing on half of the response.
    WithinAnswer = 6,
    /// Never, but nothing is passed on.
    Silence = 7,
}

impl Cut {
    /// All but [`Cut::Nowhere`].
    pub const ALL: [Self; 7] = [
        Self::OnAccept,
        Self::BeforeRequest,
        Self::WithinRequest,
        Self::AfterRequest,
        Self::BeforeAnswer,
        Self::WithinAnswer,
        Self::Silence,
    ];

    fn of(number: u8) -> Self {
        Self::ALL.into_iter().find(|cut| *cut as u8 == number).unwrap_or(Self::Nowhere)
    }
}

/// Passes connections to `address` on, or breaks them.
pub struct Proxy {
    /// The address it listens on.
    pub address: SocketAddr,
    cut: Arc<AtomicU8>,
    /// Connections broken so far.
    pub broken: Arc<AtomicU64>,
}

impl Proxy {
    /// In front of `port` on this machine.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, broken) = (Arc::new(AtomicU8::new(0)), Arc::new(AtomicU64::new(0)));
        let proxy = Self { address, cut: cut.clone(), broken: broken.clone() };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (cut, broken) = (cut.clone(), broken.clone());
                tokio::spawn(async move {
                    if pass(client, port, &cut).await.is_none() {
                        broken.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        proxy
    }

    /// Breaks connections at this moment from now on, open ones included.
    pub fn cut(&self, at: Cut) {
        self.cut.store(at as u8, Ordering::SeqCst);
    }
}

/// Passes requests and responses on, one read at a time; `None` when it broke the connection.
async fn pass(mut client: TcpStream, port: u16, cut: &AtomicU8) -> Option<()> {
    let now = || Cut::of(cut.load(Ordering::SeqCst));
    if now() == Cut::OnAccept {
        return reset(&client);
    }
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return Some(()) };
    let (mut from_client, mut from_server) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Some(len) = read.ok().filter(|len| *len > 0) else { return Some(()) };
                match now() {
                    Cut::Silence => silence().await,
                    Cut::BeforeRequest => return reset(&client),
                    Cut::WithinRequest => {
                        server.write_all(&from_client[..len / 2]).await.ok()?;
                        return reset(&client);
                    }
                    at => {
                        server.write_all(&from_client[..len]).await.ok()?;
                        if at == Cut::AfterRequest {
                            return reset(&client);
                        }
                    }
                }
            }
            read = server.read(&mut from_server) => {
                let Some(len) = read.ok().filter(|len| *len > 0) else { return Some(()) };
                match now() {
                    Cut::Silence => silence().await,
                    Cut::BeforeAnswer => return reset(&client),
                    Cut::WithinAnswer => {
                        client.write_all(&from_server[..len / 2]).await.ok()?;
                        return reset(&client);
                    }
                    _ => client.write_all(&from_server[..len]).await.ok()?,
                }
            }
        }
    }
}

async fn silence() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}

/// Closes the connection with a reset, as a broken machine does.
fn reset(client: &TcpStream) -> Option<()> {
    // A linger of zero makes the close a reset.
    let _ = client.set_zero_linger();
    None
}
