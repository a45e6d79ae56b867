//! The database at STORE_URL.

use std::time::Duration;

use clap::Args;
use config::{
    ConfigError, Secret,
    accept::{Accept, range, seconds},
};
use inventory_postgres::{PostgresOptions, Target};
/// The database at STORE_URL.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// Schema of the tables in the database.
    #[arg(env = "STORE_SCHEMA", default_value = "ticket_system", value_parser = schema())]
    pub schema: String,
    /// Connections that write, and so the number of events written at the same time; one more
    /// monitors the database.
    #[arg(env = "STORE_CONNECTIONS", default_value = "4", value_parser = range(1..=64_usize))]
    pub writers: usize,
    /// Connections that read, opened on demand.
    #[arg(env = "STORE_READ_CONNECTIONS", default_value = "4", value_parser = range(1..=64_usize))]
    pub readers: usize,
    /// Time to connect to one host.
    #[arg(
        env = "STORE_CONNECT_TIMEOUT_S",
        default_value = "2.0",
        value_parser = seconds(0.1..=60.0)
    )]
    pub connect_timeout: Duration,
    /// Time that a transaction waits for another process, and that a hanging process may block
    /// others.
    #[arg(env = "STORE_LOCK_TIMEOUT_S", default_value = "2.0", value_parser = seconds(0.1..=60.0))]
    pub lock_timeout: Duration,
    /// Time for one round trip to the database.
    #[arg(
        env = "STORE_STATEMENT_TIMEOUT_S",
        default_value = "4.0",
        value_parser = seconds(0.1..=60.0)
    )]
    pub statement_timeout: Duration,
    /// Time to query the outcome of a commit whose response was lost; after it, callers learn that
    /// the outcome is unknown.
    #[arg(
        env = "STORE_RESOLVE_TIMEOUT_S",
        default_value = "4.0",
        value_parser = seconds(0.1..=60.0)
    )]
    pub resolve_timeout: Duration,
}

impl DatabaseArgs {
    /// The database at `url`, if that is set. An error about the URL shows no part of it, because
    /// it may contain a password.
    pub(super) fn options(
        self,
        url: Option<&Secret>,
        keys_max: u64,
    ) -> Result<Option<PostgresOptions>, ConfigError> {
        let Some(url) = url else { return Ok(None) };
        let target = url.expose().parse::<Target>().map_err(|error| ConfigError::Refused {
            name: "STORE_URL".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Some(PostgresOptions {
            schema: self.schema,
            writers: self.writers,
            readers: self.readers,
            connect_timeout: self.connect_timeout,
            lock_timeout: self.lock_timeout,
            statement_timeout: self.statement_timeout,
            resolve_timeout: self.resolve_timeout,
            keys_max,
            ..PostgresOptions::new(target)
        }))
    }
}

fn schema() -> Accept<String> {
    let words = "1 to 63 of a-z, 0-9, '_', beginning with a letter and not with pg_";
    Accept::new(words, |text| {
        // PostgreSQL reserves these for itself.
        let reserved = text.starts_with("pg_") || text == "information_schema";
        let accepted = text.len() <= 63
            && !reserved
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        accepted.then(|| text.to_owned())
    })
}
