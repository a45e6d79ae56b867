use std::path::PathBuf;

use super::Var;

/// Why the configuration cannot be used. Displays as one line that names the variable, the value
/// (never that of a secret) and what is accepted; binaries print it and exit with code 2.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The value does not parse or lies outside its range.
    #[error("{name}: {value} is not accepted; expected {accepted}")]
    Invalid { name: String, value: String, accepted: String },
    /// A required variable is not set.
    #[error("{name}: not set; expected {accepted}")]
    Missing { name: String, accepted: String },
    /// The value is not valid UTF-8.
    #[error("{name}: the value is not valid UTF-8")]
    NotUnicode { name: String },
    /// The `.env` file exists but cannot be read or parsed.
    #[error("{}: {reason}", path.display())]
    DotEnv { path: PathBuf, reason: String },
}

impl ConfigError {
    /// A value of `var` that its parser accepted but the caller does not, for checks that span
    /// several variables. `accepted` completes the sentence "expected …".
    pub fn invalid(var: &Var, value: &str, accepted: impl Into<String>) -> Self {
        let value = if var.secret { "the value (hidden)".to_owned() } else { format!("{value:?}") };
        Self::Invalid { name: var.name.to_owned(), value, accepted: accepted.into() }
    }
}
