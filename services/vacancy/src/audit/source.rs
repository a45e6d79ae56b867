//! Where the ledgers are.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use inventory::verify::VerifyOptions;

use crate::settings::VacancySettings;

/// Which ledgers are read. Without any of these, the stopped store in DATA_DIR.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// A stopped or copied data directory; DATA_DIR when nothing is named
    #[arg(long, value_name = "DIR", group = "source")]
    data_dir: Option<PathBuf>,
    /// A backup
    #[arg(long, value_name = "DIR", group = "source")]
    backup: Option<PathBuf>,
    /// A running service, such as http://vacancy:8001; with ADMIN_TOKEN
    #[arg(long, value_name = "URL", group = "source")]
    url: Option<String>,
    /// Where scratch files go; they are removed at the end
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
}

/// A place with ledgers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A data directory that no process has open.
    DataDir(PathBuf),
    /// What `backup` made.
    Backup(PathBuf),
    /// A running service.
    Url(String),
}

impl SourceArgs {
    /// The place they name.
    #[must_use]
    pub fn place(&self, settings: &VacancySettings) -> Place {
        match (&self.data_dir, &self.backup, &self.url) {
            (_, Some(dir), _) => Place::Backup(dir.clone()),
            (_, _, Some(url)) => Place::Url(url.trim_end_matches('/').to_owned()),
            (Some(dir), ..) => Place::DataDir(dir.clone()),
            _ => Place::DataDir(settings.data_dir.clone()),
        }
    }

    /// How it is verified.
    #[must_use]
    pub fn options(&self, settings: &VacancySettings) -> VerifyOptions {
        let options = VerifyOptions { keys_max: settings.limits.keys_max, store: settings.store.clone(), ..VerifyOptions::default() };
        match &self.scratch {
            Some(scratch) => VerifyOptions { scratch: scratch.clone(), ..options },
            None => options,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DataDir(dir) => write!(f, "data directory {}", dir.display()),
            Self::Backup(dir) => write!(f, "backup {}", dir.display()),
            Self::Url(url) => f.write_str(url),
        }
    }
}
