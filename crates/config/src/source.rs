//! Values of variables, before they are parsed.

use std::{collections::HashMap, fmt, io, path::Path};

use crate::{
    ConfigError,
    dotenv::{self, Variable},
};

/// Values of variables: the environment over an optional `.env` file. Names are case-insensitive;
/// values are trimmed; an empty value counts as unset.
#[derive(Clone, Default)]
pub struct Source {
    /// By upper-case name; `None` marks a value that is not valid UTF-8.
    values: HashMap<String, Option<String>>,
    /// A sentence for each variable that a `.env` file sets again.
    repeated: Vec<String>,
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
        let variables = dotenv::parse(text).map_err(|error| ConfigError::DotEnv {
            path: path.to_owned(),
            reason: error.to_string(),
        })?;
        let mut lines = HashMap::new();
        for Variable { name, value, line } in variables {
            if let Some(first) = lines.insert(name.to_ascii_uppercase(), line) {
                self.repeated.push(format!(
                    "{}: line {line}: {name} is set again; line {first} does not count",
                    path.display()
                ));
            }
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

    /// The names of all variables that are set, in upper case.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// A sentence for each variable that a `.env` file sets again.
    pub(crate) fn repeated(&self) -> &[String] {
        &self.repeated
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
