//! A connection, with time limits for opening and closing it.

use std::time::Duration;

use tokio::{sync::oneshot, time::timeout};
use tokio_postgres::{Client, Config};

use crate::{errors::DbError, options::PostgresOptions, tls::TlsMaker};

/// The time limit for closing an unused connection.
const GOODBYE_MAX: Duration = Duration::from_millis(500);

/// A connection. Dropping it closes it, even if the server hangs.
pub struct Connection {
    pub client: Client,
    // Dropped after the client: the task that drives the connection hears of it.
    _open: oneshot::Sender<()>,
}

impl Connection {
    /// Connects to the first host that takes writes. A host that says nothing is passed over in
    /// time.
    pub async fn connect(options: &PostgresOptions) -> Result<Self, DbError> {
        let mut last = DbError::Lost("no host".into());
        for config in &options.target.hosts {
            let one = Self::connect_host(config, &options.target.tls);
            match timeout(options.connect_timeout, one).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(error)) => last = error,
                Err(_) => last = DbError::Lost("no connection in time".into()),
            }
        }
        Err(last)
    }

    async fn connect_host(config: &Config, tls: &TlsMaker) -> Result<Self, DbError> {
        let (client, connection) = config.connect(tls.0.clone()).await?;
        let (open, closed) = oneshot::channel::<()>();
        tokio::spawn(async move {
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "database connection closed");
                    }
                    return;
                }
                _ = closed => {}
            }
            // The server may be hung: does not wait for its response.
            let _ = timeout(GOODBYE_MAX, connection).await;
        });
        Ok(Self { client, _open: open })
    }

    /// Whether it was usable when last seen.
    pub fn is_open(&self) -> bool {
        !self.client.is_closed()
    }
}

/// A round trip that takes longer than it may counts as a lost connection.
pub async fn within<T>(
    limit: Duration,
    trip: impl Future<Output = Result<T, DbError>>,
) -> Result<T, DbError> {
    timeout(limit, trip).await.unwrap_or_else(|_| Err(DbError::Lost("no answer in time".into())))
}
