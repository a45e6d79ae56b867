//! Values of variables, before they are parsed.

use std::{collections::HashMap, fmt, io, path::Path};

use crate::ConfigError;

/// Values of variables: the environment over an optional `.env` file. Names are case-insensitive;
/// values are trimmed; an empty value counts as unset.
#[derive(Clone, Default)]
pub struct Source {
    /// By upper-case name; `None` marks a value that is not valid UTF-8.
    values: HashMap<String, Option<String>>,
}

impl Source {
    /// Reads the process environment and, below it, the file `dotenv` if it exists.
    ///
    /// # Errors
    /// [`ConfigError::DotEnv`] when the file exists but cannot be read or parsed.
    pub fn load(dotenv: &Path) -> Result<Self, ConfigError> {
        let mut source = match std::fs::read(dotenv) {
            Ok(text) => Self::default().with_dotenv(&text, dotenv)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                return Err(ConfigError::DotEnv {
                    path: dotenv.to_owned(),
                    reason: error.to_string(),
                });
            }
        };
        source.insert_environment();
        Ok(source)
    }

    /// Reads the process environment alone.
    #[must_use]
    pub fn environment() -> Self {
        let mut source = Self::default();
        source.insert_environment();
        source
    }

    fn insert_environment(&mut self) {
        // Upper-case spellings last, so that they win over other spellings of the same name.
        let (upper, other): (Vec<_>, Vec<_>) = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok())))
            .partition(|(name, _)| *name == name.to_ascii_uppercase());
        for (name, value) in other.into_iter().chain(upper) {
            self.insert(&name, value);
        }
    }

    /// Adds the variables in the text of a `.env` file; errors name `path`.
    ///
    /// # Errors
    /// [`ConfigError::DotEnv`] when it cannot be parsed. The error names the variable and hides the
    /// value, which may be a secret.
    pub fn with_dotenv(mut self, text: &[u8], path: &Path) -> Result<Self, ConfigError> {
        let fail = |reason: String| ConfigError::DotEnv { path: path.to_owned(), reason };
        for pair in dotenvy::from_read_iter(text) {
            let (name, value) = pair.map_err(|error| match error {
                dotenvy::Error::LineParse(line, _) => fail(unreadable(&line)),
                dotenvy::Error::Io(error) => fail(error.to_string()),
                _ => fail("cannot be parsed".to_owned()),
            })?;
            self.insert(&name, Some(value));
        }
        Ok(self)
    }

    /// Values given directly, for tests and embedding. Later pairs win.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut source = Self::default();
        for (name, value) in pairs {
            source.insert(&name.into(), Some(value.into()));
        }
        source
    }

    /// The value of the variable `name`, if it is set.
    ///
    /// # Errors
    /// [`ConfigError::NotUnicode`].
    pub fn get(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        match self.values.get(name) {
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(ConfigError::NotUnicode { name: name.to_owned() }),
            None => Ok(None),
        }
    }

    fn insert(&mut self, name: &str, value: Option<String>) {
        let value = value.map(|text| text.trim().to_owned());
        if value.as_deref() != Some("") {
            self.values.insert(name.to_ascii_uppercase(), value);
        }
    }
}

/// The names alone: values may be secrets.
impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// The reason for a line of a `.env` file that cannot be parsed.
fn unreadable(line: &str) -> String {
    let name = line.trim_start().split('=').next().unwrap_or_default().trim_end();
    let is_name =
        name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if line.contains('=') && is_name && !name.is_empty() {
        format!("the value of {name} cannot be parsed: put it in single quotes")
    } else {
        "a line is not NAME=value".to_owned()
    }
}
