//! Where the ledgers are.

use std::{fmt, path::PathBuf};

use clap::Args;
use inventory_audit::verify::VerifyOptions;
use inventory_postgres::{PostgresOptions, Target, UrlError};
use vacancy_service::VacancySettings;

/// Which ledgers are read. Without any of these, the database at STORE_URL, or else the stopped
/// store in DATA_DIR.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// A stopped or copied data directory; DATA_DIR when nothing is named and STORE_URL is not set
    #[arg(long, value_name = "DIR", group = "source")]
    data_dir: Option<PathBuf>,
    /// A backup
    #[arg(long, value_name = "DIR", group = "source")]
    backup: Option<PathBuf>,
    /// A running service, such as http://vacancy:8001; with ADMIN_TOKEN
    #[arg(long, value_name = "URL", group = "source")]
    url: Option<String>,
    /// A database, also while in use. Prefer STORE_URL: a password here is visible in the list of
    /// processes
    #[arg(long, value_name = "URL", group = "source")]
    store_url: Option<String>,
    /// Directory for scratch files, removed at the end
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// A place with ledgers.
#[derive(Debug, Clone)]
pub enum LedgerLocation {
    /// A data directory that no process has open.
    DataDir(PathBuf),
    /// A directory created by `backup`.
    Backup(PathBuf),
    /// A running service.
    Url(String),
    /// A database.
    Database(Box<PostgresOptions>),
}

impl SourceArgs {
    /// The place they name.
    ///
    /// # Errors
    /// [`UrlError`], which shows nothing of the URL.
    pub fn place(&self, settings: &VacancySettings) -> Result<LedgerLocation, UrlError> {
        Ok(match (&self.data_dir, &self.backup, &self.url, &self.store_url, &settings.postgres) {
            (_, Some(dir), ..) => LedgerLocation::Backup(dir.clone()),
            (_, _, Some(url), ..) => LedgerLocation::Url(url.trim_end_matches('/').to_owned()),
            (Some(dir), ..) => LedgerLocation::DataDir(dir.clone()),
            (.., Some(url), known) => {
                LedgerLocation::Database(Box::new(options_for(url.parse()?, known.as_ref())))
            }
            (.., Some(known)) => LedgerLocation::Database(Box::new(known.clone())),
            _ => LedgerLocation::DataDir(settings.data_dir.clone()),
        })
    }

    /// How it is verified.
    #[must_use]
    pub fn options(&self, settings: &VacancySettings) -> VerifyOptions {
        let options = VerifyOptions {
            keys_max: settings.limits.keys_max,
            store: settings.store.clone(),
            ..VerifyOptions::default()
        };
        match &self.scratch {
            Some(scratch) => VerifyOptions { scratch: scratch.clone(), ..options },
            None => options,
        }
    }
}

impl fmt::Display for LedgerLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataDir(dir) => write!(f, "data directory {}", dir.display()),
            Self::Backup(dir) => write!(f, "backup {}", dir.display()),
            Self::Url(url) => f.write_str(url),
            Self::Database(options) => write!(f, "database, schema {}", options.schema),
        }
    }
}

/// As the settings say, but at another place.
pub(crate) fn options_for(target: Target, known: Option<&PostgresOptions>) -> PostgresOptions {
    match known {
        Some(known) => PostgresOptions { target, ..known.clone() },
        None => PostgresOptions::new(target),
    }
}
