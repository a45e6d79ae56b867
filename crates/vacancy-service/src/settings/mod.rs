//! Settings of the stock: the store and the limits of requests.

mod database;
mod limits;

use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use config::{
    ConfigError, LiveTokens, Secret, Source, Tokens,
    accept::{Accept, parsed, range, seconds},
    tokens,
};
pub use database::DatabaseArgs;
use http_server::{extract::RoleTokens, settings::HttpSettings};
use inventory::Limits;
use inventory_embedded::{DataDir, DataDirError, EmbeddedOptions};
use inventory_postgres::PostgresOptions;
pub use limits::LimitArgs;
use public_api::{PublicSettings, WorkSettings};
use queue_controller::{QueueArgs, QueueSettings};
use signing::LiveKeys;
use vacancy_api::DocumentLimits;
use webhooks::WebhookSettings;

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
    /// Deliveries to receivers.
    #[command(flatten)]
    pub webhooks: WebhookSettings,
    /// Waiting rooms.
    #[command(flatten)]
    pub queues: QueueArgs,
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
    #[arg(env = "DATA_DIR", default_value = "./data", value_parser = parsed::<PathBuf>("path"))]
    pub data_dir: PathBuf,
    /// Time that a start waits for another process to release DATA_DIR, such as the previous pod.
    #[arg(env = "DATA_DIR_WAIT_S", default_value = "30", value_parser = seconds(0.0..=3600.0))]
    pub data_dir_wait: Duration,
    /// PostgreSQL that stores the stock, shared by any number of vacancy processes; unset,
    /// DATA_DIR stores it.
    #[arg(
        env = "STORE_URL",
        hide_env_values = true,
        value_parser = parsed::<Secret>(
            "postgres://user:password@host:5432,host2:5432/database?sslmode=verify-full"
        )
    )]
    pub store_url: Option<Secret>,
    /// Token of the calls under /api/v1/admin; unset, and without ADMIN_TOKEN_FILE, they are
    /// disabled.
    #[arg(env = "ADMIN_TOKEN", hide_env_values = true, value_parser = tokens())]
    pub admin_token: Option<Tokens>,
    /// File with admin tokens, valid beside those of ADMIN_TOKEN. It is read again every second;
    /// if it becomes empty or unreadable, its last tokens stay valid.
    #[arg(env = "ADMIN_TOKEN_FILE", value_parser = parsed::<PathBuf>("path"))]
    pub admin_token_file: Option<PathBuf>,
    /// Token of the seller's backend, which may sell, confirm, refund and read reservations.
    #[arg(env = "SELLER_TOKEN", hide_env_values = true, value_parser = tokens())]
    pub seller_token: Option<Tokens>,
    /// File with seller's tokens, valid beside those of SELLER_TOKEN and read again likewise.
    #[arg(env = "SELLER_TOKEN_FILE", value_parser = parsed::<PathBuf>("path"))]
    pub seller_token_file: Option<PathBuf>,
    /// Token of the devices at the gate. It allows no more than every caller may do: calls for
    /// scanning will need it.
    #[arg(env = "GATE_TOKEN", hide_env_values = true, value_parser = tokens())]
    pub gate_token: Option<Tokens>,
    /// File with tokens of the gate, valid beside those of GATE_TOKEN and read again likewise.
    #[arg(env = "GATE_TOKEN_FILE", value_parser = parsed::<PathBuf>("path"))]
    pub gate_token_file: Option<PathBuf>,
    /// Capacity of stock general of event default when it is first created.
    #[arg(
        env = "INITIAL_STOCK",
        default_value = "1000",
        value_parser = parsed::<u64>("0 to MAX_CAPACITY")
    )]
    pub initial_stock: u64,
    /// Maximum age of cached availability on a shared store; the embedded store is always exact.
    #[arg(
        env = "CACHE_TTL_SECONDS",
        default_value = "1",
        value_parser = range(0..=3_600_u64).unit("seconds")
    )]
    pub cache_ttl_seconds: u64,
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
    /// ADMIN_TOKEN, SELLER_TOKEN, GATE_TOKEN and their files
    pub tokens: RoleTokens,
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
    /// Deliveries to receivers.
    pub webhooks: WebhookSettings,
    /// Waiting rooms.
    pub queues: QueueSettings,
    /// QUEUE_JOINS_PER_MINUTE
    pub joins_per_min: Option<NonZeroU32>,
    /// QUEUE_WORK_MAX_NUMBER, QUEUE_WORK_TTL_S
    pub work: Option<WorkSettings>,
    /// SIGNING_KEYS_FILE, or the key in DATA_DIR
    pub signing_keys: LiveKeys,
}

impl VacancySettings {
    /// Reads and checks all settings.
    ///
    /// # Errors
    /// The first setting that is wrong.
    pub fn from_source(source: &Source) -> Result<Self, ConfigError> {
        config::read::<VacancyArgs>(source)?.try_into()
    }

    /// Checks whether the stock can be stored in DATA_DIR, if it is to be stored there. Creates the
    /// directory if missing.
    ///
    /// # Errors
    /// [`ConfigError::Refused`] when it is no directory, or its files cannot be created.
    pub fn check_data_dir(&self) -> Result<(), ConfigError> {
        if self.postgres.is_some() {
            return Ok(());
        }
        DataDir::check(&self.data_dir).map_err(|error| {
            let reason = match error {
                DataDirError::Io { path, source } => {
                    let shown: String = path.display().to_string().chars().take(200).collect();
                    format!("{source}: {shown:?}")
                }
                other => other.to_string(),
            };
            ConfigError::Refused { name: "DATA_DIR".to_owned(), reason }
        })
    }

    /// The settings of the public calls.
    #[must_use]
    pub fn public(&self) -> PublicSettings {
        PublicSettings {
            limits: self.limits.clone(),
            page_max: self.page_max,
            tokens: self.tokens.clone(),
            signing_keys: self.signing_keys.clone(),
            joins_per_min: self.joins_per_min,
            quota: self.http.requests.quota.clone(),
            work: self.work,
        }
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
        let VacancyArgs { stock, database, limits, webhooks, queues, http } = args;
        limits.check()?;
        if stock.initial_stock > limits.max_capacity {
            let accepted = format!("0 to MAX_CAPACITY, which is {}", limits.max_capacity);
            return Err(ConfigError::invalid("INITIAL_STOCK", &stock.initial_stock, accepted));
        }
        let signing_keys = match queues.signing_keys_file.clone() {
            Some(path) => LiveKeys::in_file(path).map_err(|error| ConfigError::Refused {
                name: "SIGNING_KEYS_FILE".to_owned(),
                reason: error.to_string(),
            })?,
            None => LiveKeys::in_data_dir(stock.data_dir.clone()),
        };
        Ok(Self {
            http,
            mode: stock.deployment_mode,
            port: stock.vacancy_port,
            data_dir: stock.data_dir,
            data_dir_wait: stock.data_dir_wait,
            tokens: RoleTokens {
                admin: live_tokens("ADMIN_TOKEN_FILE", stock.admin_token, stock.admin_token_file)?,
                seller: live_tokens(
                    "SELLER_TOKEN_FILE",
                    stock.seller_token,
                    stock.seller_token_file,
                )?,
                gate: live_tokens("GATE_TOKEN_FILE", stock.gate_token, stock.gate_token_file)?,
            },
            initial_stock: stock.initial_stock,
            store: limits.embedded(),
            postgres: database.options(stock.store_url.as_ref(), limits.idempotency_keys_max)?,
            cache_ttl: Duration::from_secs(stock.cache_ttl_seconds),
            reserve_batch_max: limits.reserve_batch_max,
            page_max: limits.max_page,
            limits: limits.engine(&queues),
            webhooks,
            queues: QueueSettings::try_from(&queues)?,
            joins_per_min: queues.queue_joins_per_minute,
            work: queues.queue_work_max_number.map(|number_max| WorkSettings {
                number_max,
                ttl: Duration::from_secs(queues.queue_work_ttl_s),
            }),
            signing_keys,
        })
    }
}

/// The tokens of a setting and of the file that the setting `name` names.
///
/// # Errors
/// When the file has no tokens.
pub fn live_tokens(
    name: &str,
    fixed: Option<Tokens>,
    file: Option<PathBuf>,
) -> Result<LiveTokens, ConfigError> {
    LiveTokens::new(fixed, file)
        .map_err(|error| ConfigError::Refused { name: name.to_owned(), reason: error.to_string() })
}

/// A port to listen on.
#[must_use]
pub fn port() -> Accept<u16> {
    parsed("port number, 0 for any free one")
}
