//! Settings of the stock: the store and the limits of requests.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use config::{
    ConfigError, Secret, Source,
    accept::{self, Accept},
};
use http_server::settings::HttpSettings;
use inventory::Limits;
use inventory_embedded::EmbeddedOptions;
use inventory_postgres::{PostgresOptions, Target};
use vacancy_api::DocumentLimits;

const YEAR_S: u64 = 31_536_000;
const MS_PER_S: u64 = 1_000;

/// Number of processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeploymentMode {
    /// Two services over HTTP.
    Microservices,
    /// Both services in one process.
    Monolith,
}

impl DeploymentMode {
    /// Its name in the setting.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monolith => "monolith",
            Self::Microservices => "microservices",
        }
    }
}

/// The variables of vacancy, and of the monolith's stock.
#[derive(Debug, Clone, Args)]
pub struct VacancyArgs {
    /// Where the stock is stored.
    #[command(flatten)]
    pub stock: StockArgs,
    /// The database.
    #[command(flatten)]
    pub database: DatabaseArgs,
    /// Limits of requests and of the store.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// The HTTP server.
    #[command(flatten)]
    pub http: HttpSettings,
}

/// Where the stock is stored, and its first state.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Stock")]
pub struct StockArgs {
    /// Two services over HTTP, or one process.
    #[arg(
        env = "DEPLOYMENT_MODE",
        default_value = "microservices",
        value_enum,
        ignore_case = true
    )]
    pub deployment_mode: DeploymentMode,
    /// Port of the vacancy service.
    #[arg(env = "VACANCY_PORT", default_value = "8001", value_parser = port())]
    pub vacancy_port: u16,
    /// Directory of the embedded store; one process at a time.
    #[arg(env = "DATA_DIR", default_value = "./data", value_parser = accept::parsed::<PathBuf>("path"))]
    pub data_dir: PathBuf,
    /// Time that a start waits for another process to release DATA_DIR, such as the previous pod.
    #[arg(env = "DATA_DIR_WAIT_S", default_value = "30", value_parser = accept::seconds(0.0..=3600.0))]
    pub data_dir_wait: Duration,
    /// PostgreSQL that stores the stock, shared by any number of vacancy processes; unset,
    /// DATA_DIR stores it.
    #[arg(
        env = "STORE_URL",
        hide_env_values = true,
        value_parser = accept::parsed::<Secret>("postgres://user:password@host:5432,host2:5432/database?sslmode=verify-full")
    )]
    pub store_url: Option<Secret>,
    /// Token of the calls under /api/v1/admin; unset, they are disabled.
    #[arg(env = "ADMIN_TOKEN", hide_env_values = true, value_parser = admin_token())]
    pub admin_token: Option<Secret>,
    /// Capacity of stock general of event default when it is first created.
    #[arg(env = "INITIAL_STOCK", default_value = "1000", value_parser = accept::parsed::<u64>("0 to MAX_CAPACITY"))]
    pub initial_stock: u64,
    /// Maximum age of cached availability on a shared store; the embedded store is always exact.
    #[arg(env = "CACHE_TTL_SECONDS", default_value = "1", value_parser = accept::range(0..=3_600_u64).unit("seconds"))]
    pub cache_ttl_seconds: u64,
}

/// The database at STORE_URL.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// Schema of the tables in the database.
    #[arg(env = "STORE_SCHEMA", default_value = "ticket_system", value_parser = schema())]
    pub schema: String,
    /// Connections that write, and so the number of events written at the same time; one more
    /// monitors the database.
    #[arg(env = "STORE_CONNECTIONS", default_value = "4", value_parser = accept::range(1..=64_usize))]
    pub writers: usize,
    /// Connections that read, opened on demand.
    #[arg(env = "STORE_READ_CONNECTIONS", default_value = "4", value_parser = accept::range(1..=64_usize))]
    pub readers: usize,
    /// Time to connect to one host.
    #[arg(env = "STORE_CONNECT_TIMEOUT_S", default_value = "2.0", value_parser = accept::seconds(0.1..=60.0))]
    pub connect_timeout: Duration,
    /// Time that a transaction waits for another process, and that a hanging process may block
    /// others.
    #[arg(env = "STORE_LOCK_TIMEOUT_S", default_value = "2.0", value_parser = accept::seconds(0.1..=60.0))]
    pub lock_timeout: Duration,
    /// Time for one round trip to the database.
    #[arg(env = "STORE_STATEMENT_TIMEOUT_S", default_value = "4.0", value_parser = accept::seconds(0.1..=60.0))]
    pub statement_timeout: Duration,
    /// Time to query the outcome of a commit whose response was lost; after it, callers learn that
    /// the outcome is unknown.
    #[arg(env = "STORE_RESOLVE_TIMEOUT_S", default_value = "4.0", value_parser = accept::seconds(0.1..=60.0))]
    pub resolve_timeout: Duration,
}

/// The limits.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Maximum quantity of one stock in one request.
    #[arg(env = "MAX_QTY", default_value = "1000", value_parser = accept::range(1..=1_000_000_u64))]
    pub max_qty: u64,
    /// Maximum number of stocks in one hold.
    #[arg(env = "MAX_ITEMS_PER_HOLD", default_value = "16", value_parser = accept::range(1..=256_usize))]
    pub max_items_per_hold: usize,
    /// Maximum number of stocks of one event.
    #[arg(env = "MAX_STOCKS_PER_EVENT", default_value = "64", value_parser = accept::range(1..=1_024_usize))]
    pub max_stocks_per_event: usize,
    /// Maximum number of events.
    #[arg(env = "MAX_EVENTS", default_value = "10000", value_parser = accept::range(1..=1_000_000_usize))]
    pub max_events: usize,
    /// Largest capacity of a stock.
    #[arg(env = "MAX_CAPACITY", default_value = "1000000000", value_parser = accept::range(1..=1_000_000_000_000_u64))]
    pub max_capacity: u64,
    /// Maximum number of live holds of all events.
    #[arg(env = "MAX_LIVE_HOLDS", default_value = "1000000", value_parser = accept::range(1..=100_000_000_u64))]
    pub max_live_holds: u64,
    /// Lifetime of a hold when neither the request nor the event specifies one.
    #[arg(env = "HOLD_TTL_S", default_value = "600", value_parser = accept::range(1..=YEAR_S).described("1 to HOLD_TTL_MAX_S seconds"))]
    pub hold_ttl_s: u64,
    /// Longest lifetime that one request may ask for.
    #[arg(env = "HOLD_TTL_MAX_S", default_value = "3600", value_parser = accept::range(1..=YEAR_S).unit("seconds"))]
    pub hold_ttl_max_s: u64,
    /// Longest lifetime of a hold with all its extensions.
    #[arg(env = "HOLD_LIFETIME_MAX_S", default_value = "7200", value_parser = accept::range(1..=YEAR_S).described("HOLD_TTL_MAX_S to 31536000 seconds"))]
    pub hold_lifetime_max_s: u64,
    /// Time for which an Idempotency-Key returns its stored response.
    #[arg(env = "IDEMPOTENCY_TTL_S", default_value = "86400", value_parser = accept::range(1..=YEAR_S).unit("seconds"))]
    pub idempotency_ttl_s: u64,
    /// Maximum number of stored keys; above it the oldest are dropped first.
    #[arg(env = "IDEMPOTENCY_KEYS_MAX", default_value = "10000000", value_parser = accept::range(1..=1_000_000_000_u64))]
    pub idempotency_keys_max: u64,
    /// Maximum number of requests in one commit.
    #[arg(env = "COMMIT_BATCH_MAX", default_value = "1024", value_parser = accept::range(1..=65_536_usize))]
    pub commit_batch_max: usize,
    /// Maximum number of requests that wait for a commit; above it 503.
    #[arg(env = "COMMIT_QUEUE_MAX", default_value = "16384", value_parser = accept::range(1..=1_048_576_usize))]
    pub commit_queue_max: usize,
    /// Maximum number of reservations in one call of /api/v1/reserve/batch.
    #[arg(env = "RESERVE_BATCH_MAX", default_value = "512", value_parser = accept::range(1..=10_000_usize).described("1 to 10000, and no more than COMMIT_QUEUE_MAX"))]
    pub reserve_batch_max: usize,
    /// Maximum number of entries in one page of a list.
    #[arg(env = "MAX_PAGE", default_value = "1000", value_parser = accept::range(1..=10_000_usize))]
    pub max_page: usize,
    /// Cache for reads from the store.
    #[arg(env = "STORE_CACHE_BYTES", default_value = "16777216", value_parser = accept::range(1 << 20..=1_u64 << 40).unit("bytes"))]
    pub store_cache_bytes: u64,
    /// Recent writes kept in memory, for each of eight tables; at most an eighth of
    /// STORE_JOURNAL_BYTES.
    #[arg(env = "STORE_MEMTABLE_BYTES", default_value = "8388608", value_parser = accept::range(1 << 20..=1_u64 << 30).unit("bytes"))]
    pub store_memtable_bytes: u64,
    /// Write-ahead journal on disk, which a start may have to read.
    #[arg(env = "STORE_JOURNAL_BYTES", default_value = "134217728", value_parser = accept::range(64 << 20..=1_u64 << 40).unit("bytes"))]
    pub store_journal_bytes: u64,
}

/// Settings of the process that owns the stock.
#[derive(Debug, Clone)]
pub struct VacancySettings {
    /// The HTTP server, logs and traces.
    pub http: HttpSettings,
    /// DEPLOYMENT_MODE
    pub mode: DeploymentMode,
    /// VACANCY_PORT
    pub port: u16,
    /// DATA_DIR
    pub data_dir: PathBuf,
    /// DATA_DIR_WAIT_S
    pub data_dir_wait: Duration,
    /// ADMIN_TOKEN
    pub admin_token: Option<Secret>,
    /// INITIAL_STOCK
    pub initial_stock: u64,
    /// Limits of the engine.
    pub limits: Limits,
    /// Limits of the embedded store.
    pub store: EmbeddedOptions,
    /// The database at STORE_URL, if that is set.
    pub postgres: Option<PostgresOptions>,
    /// CACHE_TTL_SECONDS
    pub cache_ttl: Duration,
    /// RESERVE_BATCH_MAX
    pub reserve_batch_max: usize,
    /// MAX_PAGE
    pub page_max: usize,
}

impl VacancySettings {
    /// Reads and checks all settings.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn from_source(source: &Source) -> Result<Self, ConfigError> {
        config::read::<VacancyArgs>(source)?.try_into()
    }

    /// The limits that an OpenAPI document shows.
    #[must_use]
    pub fn document_limits(&self) -> DocumentLimits {
        DocumentLimits {
            engine: self.limits.clone(),
            page_max: self.page_max,
            reserve_batch_max: self.reserve_batch_max,
        }
    }
}

impl TryFrom<VacancyArgs> for VacancySettings {
    type Error = ConfigError;

    fn try_from(args: VacancyArgs) -> Result<Self, ConfigError> {
        let VacancyArgs { stock, database, limits, http } = args;
        limits.check()?;
        if stock.initial_stock > limits.max_capacity {
            let accepted = format!("0 to MAX_CAPACITY, which is {}", limits.max_capacity);
            return Err(ConfigError::invalid("INITIAL_STOCK", stock.initial_stock, accepted));
        }
        Ok(Self {
            http,
            mode: stock.deployment_mode,
            port: stock.vacancy_port,
            data_dir: stock.data_dir,
            data_dir_wait: stock.data_dir_wait,
            admin_token: stock.admin_token,
            initial_stock: stock.initial_stock,
            store: limits.embedded(),
            postgres: database.options(stock.store_url.as_ref(), limits.idempotency_keys_max)?,
            cache_ttl: Duration::from_secs(stock.cache_ttl_seconds),
            reserve_batch_max: limits.reserve_batch_max,
            page_max: limits.max_page,
            limits: limits.engine(),
        })
    }
}

impl LimitArgs {
    /// Checks across several limits.
    fn check(&self) -> Result<(), ConfigError> {
        let ttl_max = self.hold_ttl_max_s;
        if self.hold_ttl_s > ttl_max {
            let accepted = format!("1 to HOLD_TTL_MAX_S seconds, which is {ttl_max}");
            return Err(ConfigError::invalid("HOLD_TTL_S", self.hold_ttl_s, accepted));
        }
        if self.hold_lifetime_max_s < ttl_max {
            let accepted = format!("HOLD_TTL_MAX_S, which is {ttl_max}, to {YEAR_S} seconds");
            let value = self.hold_lifetime_max_s;
            return Err(ConfigError::invalid("HOLD_LIFETIME_MAX_S", value, accepted));
        }
        // The store checks the journal when a memtable is full. Until then the journal may grow by
        // the content of all memtables, which must not exceed its bound.
        if self.store_memtable_bytes > self.store_journal_bytes / EmbeddedOptions::TABLES {
            let journal_bytes = self.store_journal_bytes;
            let accepted =
                format!("no more than an eighth of STORE_JOURNAL_BYTES, which is {journal_bytes}");
            let value = self.store_memtable_bytes;
            return Err(ConfigError::invalid("STORE_MEMTABLE_BYTES", value, accepted));
        }
        // A batch larger than the queue would be refused in part each time, even on an idle
        // service.
        if self.reserve_batch_max > self.commit_queue_max {
            let accepted =
                format!("no more than COMMIT_QUEUE_MAX, which is {}", self.commit_queue_max);
            return Err(ConfigError::invalid(
                "RESERVE_BATCH_MAX",
                self.reserve_batch_max,
                accepted,
            ));
        }
        Ok(())
    }

    fn embedded(&self) -> EmbeddedOptions {
        EmbeddedOptions {
            cache_bytes: self.store_cache_bytes,
            memtable_bytes: self.store_memtable_bytes,
            journal_bytes: self.store_journal_bytes,
            keys_max: self.idempotency_keys_max,
        }
    }

    fn engine(&self) -> Limits {
        Limits {
            qty_max: self.max_qty,
            items_max: self.max_items_per_hold,
            stocks_max: self.max_stocks_per_event,
            events_max: self.max_events,
            capacity_max: self.max_capacity,
            live_holds_max: self.max_live_holds,
            hold_ttl_ms: self.hold_ttl_s * MS_PER_S,
            hold_ttl_max_ms: self.hold_ttl_max_s * MS_PER_S,
            hold_lifetime_max_ms: self.hold_lifetime_max_s * MS_PER_S,
            key_ttl_ms: self.idempotency_ttl_s * MS_PER_S,
            keys_max: self.idempotency_keys_max,
            batch_max: self.commit_batch_max,
            queue_max: self.commit_queue_max,
        }
    }
}

impl DatabaseArgs {
    /// The database at `url`, if that is set. An error about the URL shows no part of it, because
    /// it may contain a password.
    fn options(
        self,
        url: Option<&Secret>,
        keys_max: u64,
    ) -> Result<Option<PostgresOptions>, ConfigError> {
        let Some(url) = url else { return Ok(None) };
        let target = url
            .expose()
            .parse::<Target>()
            .map_err(|error| ConfigError::invalid_secret("STORE_URL", error.to_string()))?;
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

/// A port to listen on.
#[must_use]
pub fn port() -> Accept<u16> {
    accept::parsed("port number, 0 for any free one")
}

fn admin_token() -> Accept<Secret> {
    Accept::new("text without spaces, at least 16 characters", |text| {
        let accepted = text.len() >= 16 && !text.contains(char::is_whitespace);
        accepted.then(|| Secret::new(text))
    })
}

fn schema() -> Accept<String> {
    Accept::new("1 to 63 of a-z, 0-9, '_', beginning with a letter", |text| {
        let accepted = text.len() <= 63
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        accepted.then(|| text.to_owned())
    })
}
