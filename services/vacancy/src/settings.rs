//! The settings of the stock: where it is kept, and the limits of what is accepted.

use std::{path::PathBuf, time::Duration};

use config::{ConfigError, Group, Secret, Source, Var};
use http_server::settings::ServingSettings;
use inventory::Limits;
use inventory_embedded::EmbeddedOptions;
use inventory_postgres::{PostgresOptions, Target};

const VACANCY_PORT: Var = Var::new(
    "VACANCY_PORT",
    "8001",
    "port number, 0 for any free one",
    "Port of the vacancy service",
);
const DEPLOYMENT_MODE: Var = Var::new(
    "DEPLOYMENT_MODE",
    "microservices",
    "microservices or monolith",
    "Two services over HTTP, or one process",
);
const DATA_DIR: Var = Var::new(
    "DATA_DIR",
    "./data",
    "path",
    "Directory of the embedded store; one process at a time",
);
const DATA_DIR_WAIT_S: Var = Var::new(
    "DATA_DIR_WAIT_S",
    "30",
    "0 to 3600 seconds",
    "How long a start waits for another process to leave DATA_DIR, as the pod before it does when it ends",
);
const STORE_URL: Var = Var::secret(
    "STORE_URL",
    "postgres://user:password@host:5432,host2:5432/database?sslmode=verify-full",
    "PostgreSQL to keep the stock in, shared by any number of vacancy processes; unset, it is kept in DATA_DIR",
);
const ADMIN_TOKEN: Var = Var::secret(
    "ADMIN_TOKEN",
    "text without spaces, at least 16 characters",
    "Token of the calls under /api/v1/admin; unset, they are off",
);
const INITIAL_STOCK: Var = Var::new(
    "INITIAL_STOCK",
    "1000",
    "0 to MAX_CAPACITY",
    "Capacity of stock general of event default, when it is first created",
);
const CACHE_TTL_SECONDS: Var = Var::new(
    "CACHE_TTL_SECONDS",
    "1",
    "0 to 3600 seconds",
    "Age to which availability may be cached where the store is shared; the embedded store is always exact",
);
const STORE_SCHEMA: Var = Var::new(
    "STORE_SCHEMA",
    "ticket_system",
    "1 to 63 of a-z, 0-9, '_', beginning with a letter",
    "Schema of the tables in the database",
);
const STORE_CONNECTIONS: Var = Var::new(
    "STORE_CONNECTIONS",
    "4",
    "1 to 64",
    "Connections that write: so many events are written to at once; one more keeps watch",
);
const STORE_READ_CONNECTIONS: Var = Var::new(
    "STORE_READ_CONNECTIONS",
    "4",
    "1 to 64",
    "Connections that read, made when they are needed",
);
const STORE_CONNECT_TIMEOUT_S: Var = Var::new(
    "STORE_CONNECT_TIMEOUT_S",
    "2.0",
    "0.1 to 60 seconds",
    "How long a connection to one host may take to be made",
);
const STORE_LOCK_TIMEOUT_S: Var = Var::new(
    "STORE_LOCK_TIMEOUT_S",
    "2.0",
    "0.1 to 60 seconds",
    "How long a transaction waits for another process, and how long a process that hangs may keep others waiting",
);
const STORE_STATEMENT_TIMEOUT_S: Var = Var::new(
    "STORE_STATEMENT_TIMEOUT_S",
    "4.0",
    "0.1 to 60 seconds",
    "How long a round trip to the database may take",
);
const STORE_RESOLVE_TIMEOUT_S: Var = Var::new(
    "STORE_RESOLVE_TIMEOUT_S",
    "4.0",
    "0.1 to 60 seconds",
    "How long the database is asked what became of a commit whose answer was lost; then callers are told that it is unknown",
);

/// The database, where STORE_URL names one.
pub const DATABASE: Group = Group {
    title: "Database",
    vars: &[
        &STORE_SCHEMA,
        &STORE_CONNECTIONS,
        &STORE_READ_CONNECTIONS,
        &STORE_CONNECT_TIMEOUT_S,
        &STORE_LOCK_TIMEOUT_S,
        &STORE_STATEMENT_TIMEOUT_S,
        &STORE_RESOLVE_TIMEOUT_S,
    ],
};

/// Where things are and what creates them.
pub const STOCK: Group = Group {
    title: "Stock",
    vars: &[
        &DEPLOYMENT_MODE,
        &VACANCY_PORT,
        &DATA_DIR,
        &DATA_DIR_WAIT_S,
        &STORE_URL,
        &ADMIN_TOKEN,
        &INITIAL_STOCK,
        &CACHE_TTL_SECONDS,
    ],
};

const MAX_QTY: Var =
    Var::new("MAX_QTY", "1000", "1 to 1000000", "Most of one stock that one request may ask for");
const MAX_ITEMS_PER_HOLD: Var =
    Var::new("MAX_ITEMS_PER_HOLD", "16", "1 to 256", "Most stocks that one hold may name");
const MAX_STOCKS_PER_EVENT: Var =
    Var::new("MAX_STOCKS_PER_EVENT", "64", "1 to 1024", "Most stocks of one event");
const MAX_EVENTS: Var = Var::new("MAX_EVENTS", "10000", "1 to 1000000", "Most events");
const MAX_CAPACITY: Var =
    Var::new("MAX_CAPACITY", "1000000000", "1 to 1000000000000", "Largest capacity of a stock");
const MAX_LIVE_HOLDS: Var = Var::new(
    "MAX_LIVE_HOLDS",
    "1000000",
    "1 to 100000000",
    "Most holds, of all events together, that are held at once",
);
const HOLD_TTL_S: Var = Var::new(
    "HOLD_TTL_S",
    "600",
    "1 to HOLD_TTL_MAX_S seconds",
    "Life of a hold when neither it nor its event says so",
);
const HOLD_TTL_MAX_S: Var = Var::new(
    "HOLD_TTL_MAX_S",
    "3600",
    "1 to 31536000 seconds",
    "Longest life that can be asked for at once",
);
const HOLD_LIFETIME_MAX_S: Var = Var::new(
    "HOLD_LIFETIME_MAX_S",
    "7200",
    "HOLD_TTL_MAX_S to 31536000 seconds",
    "Longest life of a hold with all its extensions",
);
const IDEMPOTENCY_TTL_S: Var = Var::new(
    "IDEMPOTENCY_TTL_S",
    "86400",
    "1 to 31536000 seconds",
    "How long an Idempotency-Key finds its answer",
);
const IDEMPOTENCY_KEYS_MAX: Var = Var::new(
    "IDEMPOTENCY_KEYS_MAX",
    "10000000",
    "1 to 1000000000",
    "Most keys that are kept; beyond it the oldest go first",
);
const COMMIT_BATCH_MAX: Var =
    Var::new("COMMIT_BATCH_MAX", "1024", "1 to 65536", "Most requests of one commit");
const COMMIT_QUEUE_MAX: Var = Var::new(
    "COMMIT_QUEUE_MAX",
    "16384",
    "1 to 1048576",
    "Most requests that wait for a commit; beyond it 503",
);
const RESERVE_BATCH_MAX: Var = Var::new(
    "RESERVE_BATCH_MAX",
    "512",
    "1 to 10000, and no more than COMMIT_QUEUE_MAX",
    "Most reservations of one call of /api/v1/reserve/batch",
);
const MAX_PAGE: Var =
    Var::new("MAX_PAGE", "1000", "1 to 10000", "Most entries of one page of a list");
const STORE_CACHE_BYTES: Var = Var::new(
    "STORE_CACHE_BYTES",
    "16777216",
    "1048576 to 1099511627776 bytes",
    "Cache for reads from the store",
);
const STORE_MEMTABLE_BYTES: Var = Var::new(
    "STORE_MEMTABLE_BYTES",
    "8388608",
    "1048576 to 1073741824 bytes",
    "Recent writes kept in memory, for each of eight tables; at most an eighth of STORE_JOURNAL_BYTES",
);
const STORE_JOURNAL_BYTES: Var = Var::new(
    "STORE_JOURNAL_BYTES",
    "134217728",
    "67108864 to 1099511627776 bytes",
    "Write-ahead journal on disk; what a start may have to read",
);

/// The limits.
pub const LIMITS: Group = Group {
    title: "Limits",
    vars: &[
        &MAX_QTY,
        &MAX_ITEMS_PER_HOLD,
        &MAX_STOCKS_PER_EVENT,
        &MAX_EVENTS,
        &MAX_CAPACITY,
        &MAX_LIVE_HOLDS,
        &HOLD_TTL_S,
        &HOLD_TTL_MAX_S,
        &HOLD_LIFETIME_MAX_S,
        &IDEMPOTENCY_TTL_S,
        &IDEMPOTENCY_KEYS_MAX,
        &COMMIT_BATCH_MAX,
        &COMMIT_QUEUE_MAX,
        &RESERVE_BATCH_MAX,
        &MAX_PAGE,
        &STORE_CACHE_BYTES,
        &STORE_MEMTABLE_BYTES,
        &STORE_JOURNAL_BYTES,
    ],
};

/// One process, or two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeploymentMode {
    /// Both services in one process.
    Monolith,
    /// Two services over HTTP.
    Microservices,
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

    /// Reads DEPLOYMENT_MODE.
    ///
    /// # Errors
    /// When it is neither mode.
    pub fn from_source(source: &Source) -> Result<Self, ConfigError> {
        source.get(&DEPLOYMENT_MODE)
    }
}

/// It names no mode.
#[derive(Debug, thiserror::Error)]
#[error("not a mode")]
pub struct UnknownMode;

impl std::str::FromStr for DeploymentMode {
    type Err = UnknownMode;

    fn from_str(text: &str) -> Result<Self, UnknownMode> {
        [Self::Monolith, Self::Microservices]
            .into_iter()
            .find(|mode| mode.as_str().eq_ignore_ascii_case(text))
            .ok_or(UnknownMode)
    }
}

/// What the process that keeps the stock is told.
#[derive(Debug, Clone)]
pub struct VacancySettings {
    /// What every service is told.
    pub serving: ServingSettings,
    /// DEPLOYMENT_MODE
    pub mode: DeploymentMode,
    /// VACANCY_PORT
    pub port: u16,
    /// DATA_DIR
    pub data_dir: PathBuf,
    /// How long to wait for another process to leave it.
    pub data_dir_wait: Duration,
    /// ADMIN_TOKEN
    pub admin_token: Option<Secret>,
    /// INITIAL_STOCK
    pub initial_stock: u64,
    /// The engine's limits.
    pub limits: Limits,
    /// The embedded store's limits.
    pub store: EmbeddedOptions,
    /// The database at STORE_URL, if there is to be one.
    pub postgres: Option<PostgresOptions>,
    /// CACHE_TTL_SECONDS
    pub cache_ttl: Duration,
    /// RESERVE_BATCH_MAX
    pub reserve_batch_max: usize,
    /// MAX_PAGE
    pub page_max: usize,
}

impl VacancySettings {
    /// The groups of settings it reads, for help and documentation.
    pub const GROUPS: [Group; 4] = [STOCK, DATABASE, LIMITS, http_server::settings::SERVING];

    /// Reads and checks all of them.
    ///
    /// # Errors
    /// The first variable that is wrong.
    pub fn from_source(source: &Source) -> Result<Self, ConfigError> {
        const YEAR_S: u64 = 31_536_000;
        let admin_token: Option<Secret> = source.get_opt(&ADMIN_TOKEN)?;
        if let Some(token) = &admin_token
            && (token.expose().len() < 16 || token.expose().contains(char::is_whitespace))
        {
            return Err(ConfigError::invalid(&ADMIN_TOKEN, "", ADMIN_TOKEN.kind));
        }
        let limits = limits(source, YEAR_S)?;
        Ok(Self {
            serving: ServingSettings::from_source(source)?,
            mode: DeploymentMode::from_source(source)?,
            port: source.get(&VACANCY_PORT)?,
            data_dir: source.get(&DATA_DIR)?,
            data_dir_wait: source.get_duration_s_in(&DATA_DIR_WAIT_S, 0.0..=3600.0)?,
            admin_token,
            initial_stock: source.get_in_range(&INITIAL_STOCK, 0..=limits.capacity_max)?,
            store: embedded(source, limits.keys_max)?,
            postgres: postgres(source, limits.keys_max)?,
            cache_ttl: Duration::from_secs(source.get_in_range(&CACHE_TTL_SECONDS, 0..=3_600)?),
            reserve_batch_max: reserve_batch_max(source, limits.queue_max)?,
            limits,
            page_max: source.get_in_range(&MAX_PAGE, 1..=10_000)?,
        })
    }
}

/// The journal is looked at when a memtable is full, so it grows by what all of them hold before
/// that: by no more than its bound.
fn embedded(source: &Source, keys_max: u64) -> Result<EmbeddedOptions, ConfigError> {
    let memtable_bytes = source.get_in_range(&STORE_MEMTABLE_BYTES, 1 << 20..=1 << 30)?;
    let journal_bytes = source.get_in_range(&STORE_JOURNAL_BYTES, 64 << 20..=1 << 40)?;
    if memtable_bytes > journal_bytes / EmbeddedOptions::TABLES {
        let accepted =
            format!("no more than an eighth of STORE_JOURNAL_BYTES, which is {journal_bytes}");
        return Err(ConfigError::invalid(
            &STORE_MEMTABLE_BYTES,
            &memtable_bytes.to_string(),
            accepted,
        ));
    }
    let cache_bytes = source.get_in_range(&STORE_CACHE_BYTES, 1 << 20..=1 << 40)?;
    Ok(EmbeddedOptions { cache_bytes, memtable_bytes, journal_bytes, keys_max })
}

/// The database, unless it is not to be one. What is wrong with the URL is told without any of it:
/// there may be a password in it.
fn postgres(source: &Source, keys_max: u64) -> Result<Option<PostgresOptions>, ConfigError> {
    let schema: String = source.get(&STORE_SCHEMA)?;
    let first_is_letter = schema.starts_with(|first: char| first.is_ascii_lowercase());
    if !first_is_letter
        || schema.len() > 63
        || !schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    {
        return Err(ConfigError::invalid(&STORE_SCHEMA, &schema, STORE_SCHEMA.kind));
    }
    let seconds = |var| source.get_duration_s_in(var, 0.1..=60.0);
    let (connect_timeout, lock_timeout) =
        (seconds(&STORE_CONNECT_TIMEOUT_S)?, seconds(&STORE_LOCK_TIMEOUT_S)?);
    let (statement_timeout, resolve_timeout) =
        (seconds(&STORE_STATEMENT_TIMEOUT_S)?, seconds(&STORE_RESOLVE_TIMEOUT_S)?);
    let (writers, readers) = (
        source.get_in_range(&STORE_CONNECTIONS, 1..=64)?,
        source.get_in_range(&STORE_READ_CONNECTIONS, 1..=64)?,
    );
    let Some(url) = source.get_opt::<Secret>(&STORE_URL)? else { return Ok(None) };
    let target = url
        .expose()
        .parse::<Target>()
        .map_err(|error| ConfigError::invalid(&STORE_URL, "", error.to_string()))?;
    Ok(Some(PostgresOptions {
        schema,
        writers,
        readers,
        connect_timeout,
        lock_timeout,
        statement_timeout,
        resolve_timeout,
        keys_max,
        ..PostgresOptions::new(target)
    }))
}

/// A batch that the queue cannot take whole would be refused in part each time, however idle the
/// service is.
fn reserve_batch_max(source: &Source, queue_max: usize) -> Result<usize, ConfigError> {
    let most = source.get_in_range(&RESERVE_BATCH_MAX, 1..=10_000)?;
    if most > queue_max {
        let accepted = format!("no more than COMMIT_QUEUE_MAX, which is {queue_max}");
        return Err(ConfigError::invalid(&RESERVE_BATCH_MAX, &most.to_string(), accepted));
    }
    Ok(most)
}

fn limits(source: &Source, year_s: u64) -> Result<Limits, ConfigError> {
    let hold_ttl_max_s = source.get_in_range(&HOLD_TTL_MAX_S, 1..=year_s)?;
    Ok(Limits {
        qty_max: source.get_in_range(&MAX_QTY, 1..=1_000_000)?,
        items_max: source.get_in_range(&MAX_ITEMS_PER_HOLD, 1..=256)?,
        stocks_max: source.get_in_range(&MAX_STOCKS_PER_EVENT, 1..=1_024)?,
        events_max: source.get_in_range(&MAX_EVENTS, 1..=1_000_000)?,
        capacity_max: source.get_in_range(&MAX_CAPACITY, 1..=1_000_000_000_000)?,
        live_holds_max: source.get_in_range(&MAX_LIVE_HOLDS, 1..=100_000_000)?,
        hold_ttl_ms: source.get_in_range(&HOLD_TTL_S, 1..=hold_ttl_max_s)? * 1_000,
        hold_ttl_max_ms: hold_ttl_max_s * 1_000,
        hold_lifetime_max_ms: source.get_in_range(&HOLD_LIFETIME_MAX_S, hold_ttl_max_s..=year_s)?
            * 1_000,
        key_ttl_ms: source.get_in_range(&IDEMPOTENCY_TTL_S, 1..=year_s)? * 1_000,
        keys_max: source.get_in_range(&IDEMPOTENCY_KEYS_MAX, 1..=1_000_000_000)?,
        batch_max: source.get_in_range(&COMMIT_BATCH_MAX, 1..=65_536)?,
        queue_max: source.get_in_range(&COMMIT_QUEUE_MAX, 1..=1_048_576)?,
    })
}
