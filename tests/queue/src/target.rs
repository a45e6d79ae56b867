//! What runs, and where.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tempfile::TempDir;

/// Where the binaries and the data are.
#[derive(Args)]
pub struct Places {
    /// Folder of the binaries ticket and vacancy
    #[arg(long)]
    pub bin: PathBuf,
    /// Folder for data directories and logs; default: that of temporary files
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Do not remove the data and the logs
    #[arg(long)]
    pub keep: bool,
}

impl Places {
    /// A folder for one run.
    pub fn folder(&self) -> std::io::Result<TempDir> {
        let data = self.data.clone().unwrap_or_else(std::env::temp_dir);
        let mut folder = tempfile::Builder::new().prefix("queue-").tempdir_in(data)?;
        folder.disable_cleanup(self.keep);
        Ok(folder)
    }
}

/// What runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// One process
    Monolith,
    /// ticket and vacancy
    Services,
}
