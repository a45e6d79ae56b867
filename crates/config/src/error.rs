//! Errors of the configuration.

use std::{fmt::Display, path::PathBuf};

/// The most characters of a value that an error shows.
const SHOWN_MAX: usize = 200;

/// The configuration cannot be used. Displays as one line that names the variable, the value (never
/// that of a secret) and the accepted values; binaries print it and exit with code 2.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The value does not parse, lies outside its range or contradicts another setting.
    #[error("{name}: {value} is not accepted; expected {accepted}")]
    Invalid { name: String, value: String, accepted: String },
    /// A required variable is not set.
    #[error("{name}: not set; expected {accepted}")]
    Missing { name: String, accepted: String },
    /// The value is refused for a reason of its own, which shows no secret.
    #[error("{name}: {reason}")]
    Refused { name: String, reason: String },
    /// The value is not valid UTF-8.
    #[error("{name}: the value is not valid UTF-8")]
    NotUnicode { name: String },
    /// The `.env` file exists but cannot be read or parsed.
    #[error("{}: {reason}", path.display())]
    DotEnv { path: PathBuf, reason: String },
}

impl ConfigError {
    /// A value that its parser accepts but a check across several settings refuses. `accepted`
    /// completes the sentence "expected …".
    pub fn invalid(
        name: &str,
        value: &(impl Display + ?Sized),
        accepted: impl Into<String>,
    ) -> Self {
        let value = value.to_string();
        let value = match value.char_indices().nth(SHOWN_MAX) {
            None => format!("{value:?}"),
            Some((end, _)) => format!("{:?}…", &value[..end]),
        };
        Self::Invalid { name: name.to_owned(), value, accepted: accepted.into() }
    }

    /// Like [`ConfigError::invalid`], without showing the value.
    pub fn invalid_secret(name: &str, accepted: impl Into<String>) -> Self {
        let value = "the value (hidden)".to_owned();
        Self::Invalid { name: name.to_owned(), value, accepted: accepted.into() }
    }
}
