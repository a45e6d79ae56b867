//! A connection, with time limits for opening and closing it.

use std::time::Duration;

use tokio::{sync::oneshot, time::timeout};
use tokio_postgres::{Client, Config};

use crate::{errors::DbError, options::PostgresOptions, tls::TlsMaker};

/// The time limit for closing an unused connection.
const GOODBYE_MAX: Duration = Duration::from_millis(500);

/// The encoding of a database that can store every text.
const UTF8: &str = "UTF8";

/// A connection. Dropping it closes it, even if the server hangs.
pub struct Connection {
    pub client: Client,
    /// The database's encoding, if the server has said it.
    encoding: Option<String>,
    // Dropped after the client: the task that drives the connection hears of it.
    _open: oneshot::Sender<()>,
}

impl Connection {
    /// Connects to the first host that takes writes. A host that says nothing is passed over in
    /// time. A database that cannot store every text is refused: one buyer's name would fail the
    /// batch of many.
    pub async fn connect(options: &PostgresOptions) -> Result<Self, DbError> {
        Self::connect_if(options, true).await
    }

    /// Like [`Connection::connect`], for reads: in any encoding.
    pub async fn connect_to_read(options: &PostgresOptions) -> Result<Self, DbError> {
        Self::connect_if(options, false).await
    }

    async fn connect_if(options: &PostgresOptions, must_be_utf8: bool) -> Result<Self, DbError> {
        let mut last = DbError::Lost("no host".into());
        for config in &options.target.hosts {
            let one = async {
                let connection = Self::connect_host(config, &options.target.tls).await?;
                if must_be_utf8 {
                    connection.check_encoding().await?;
                }
                Ok(connection)
            };
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
        let encoding = connection.parameter("server_encoding").map(str::to_owned);
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
        Ok(Self { client, encoding, _open: open })
    }

    /// A pooler may keep the encoding to itself: then the database is asked.
    async fn check_encoding(&self) -> Result<(), DbError> {
        let asked;
        let encoding = match &self.encoding {
            Some(encoding) => encoding.as_str(),
            None => {
                asked = self.client.query_typed("SHOW server_encoding", &[]).await?;
                asked.first().map_or(Ok(""), |row| row.try_get(0))?
            }
        };
        if encoding == UTF8 {
            return Ok(());
        }
        Err(DbError::Encoding(format!(
            "the database's encoding is {encoding}, and must be {UTF8}: create one with CREATE \
             DATABASE … ENCODING 'UTF8' TEMPLATE template0, and move the schema with pg_dump"
        )))
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
