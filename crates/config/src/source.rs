use std::{
    collections::HashMap, fmt::Display, io, ops::RangeInclusive, path::Path, str::FromStr,
    time::Duration,
};

use super::{ConfigError, Var};

/// Where values come from: the environment over an optional `.env` file. Names are
/// case-insensitive; an empty value counts as unset.
#[derive(Debug, Clone, Default)]
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
        // Upper-case spellings last, so that they win over other spellings of the same name.
        let (upper, other): (Vec<_>, Vec<_>) = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok())))
            .partition(|(name, _)| *name == name.to_ascii_uppercase());
        for (name, value) in other.into_iter().chain(upper) {
            source.insert(&name, value);
        }
        Ok(source)
    }

    /// Adds what the text of a `.env` file says; `path` is told in errors.
    ///
    /// # Errors
    /// [`ConfigError::DotEnv`] when it cannot be parsed. It names the variable and shows nothing of
    /// its value: that may be a secret.
    pub fn with_dotenv(mut self, text: &[u8], path: &Path) -> Result<Self, ConfigError> {
        let fail = |reason: String| ConfigError::DotEnv { path: path.to_owned(), reason };
        for pair in dotenvy::from_read_iter(text) {
            let (name, value) = pair.map_err(|error| match error {
                dotenvy::Error::LineParse(line, _) => fail(unreadable(&line)),
                dotenvy::Error::Io(error) => fail(error.to_string()),
                _ => fail("it cannot be read".to_owned()),
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

    /// The value of `var` or its default.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] without value and default, [`ConfigError::Invalid`] when it does
    /// not parse.
    pub fn get<T: FromStr>(&self, var: &Var) -> Result<T, ConfigError> {
        self.get_opt(var)?.ok_or_else(|| ConfigError::Missing {
            name: var.name.to_owned(),
            accepted: var.kind.to_owned(),
        })
    }

    /// The value of `var`, its default, or `None` when it has neither.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] when it does not parse.
    pub fn get_opt<T: FromStr>(&self, var: &Var) -> Result<Option<T>, ConfigError> {
        let Some(text) = self.text(var)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| ConfigError::invalid(var, text, var.kind))
    }

    /// Like [`Source::get`], and the value must lie in `range`.
    ///
    /// # Errors
    /// As [`Source::get`], and [`ConfigError::Invalid`] outside the range.
    pub fn get_in_range<T>(&self, var: &Var, range: RangeInclusive<T>) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let accepted = || format!("{} from {} to {}", var.kind, range.start(), range.end());
        let text = self.required(var)?;
        match text.parse::<T>() {
            Ok(value) if range.contains(&value) => Ok(value),
            _ => Err(ConfigError::invalid(var, text, accepted())),
        }
    }

    /// true/false, 1/0, yes/no or on/off in any case.
    ///
    /// # Errors
    /// As [`Source::get`].
    pub fn get_bool(&self, var: &Var) -> Result<bool, ConfigError> {
        let text = self.required(var)?;
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(ConfigError::invalid(var, text, "true or false (also 1/0, yes/no, on/off)")),
        }
    }

    /// Decimal seconds such as `2.0`, not negative and at most a year.
    ///
    /// # Errors
    /// As [`Source::get`].
    pub fn get_duration_s(&self, var: &Var) -> Result<Duration, ConfigError> {
        const YEAR_S: f64 = 365.0 * 86_400.0;
        self.get_duration_s_in(var, 0.0..=YEAR_S)
    }

    /// Decimal seconds within `range_s`.
    ///
    /// # Errors
    /// As [`Source::get`], and [`ConfigError::Invalid`] outside the range.
    pub fn get_duration_s_in(
        &self,
        var: &Var,
        range_s: RangeInclusive<f64>,
    ) -> Result<Duration, ConfigError> {
        let accepted =
            || format!("seconds from {} to {}, such as 2.0", range_s.start(), range_s.end());
        let text = self.required(var)?;
        let seconds = text.parse::<f64>().ok().filter(|seconds| range_s.contains(seconds));
        seconds
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| ConfigError::invalid(var, text, accepted()))
    }

    fn required<'a>(&'a self, var: &Var) -> Result<&'a str, ConfigError> {
        let missing =
            || ConfigError::Missing { name: var.name.to_owned(), accepted: var.kind.to_owned() };
        self.text(var)?.ok_or_else(missing)
    }

    fn text(&self, var: &Var) -> Result<Option<&str>, ConfigError> {
        match self.values.get(var.name) {
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(ConfigError::NotUnicode { name: var.name.to_owned() }),
            None => Ok(var.default),
        }
    }

    fn insert(&mut self, name: &str, value: Option<String>) {
        let value = value.map(|text| text.trim().to_owned());
        if value.as_deref() != Some("") {
            self.values.insert(name.to_ascii_uppercase(), value);
        }
    }
}

/// What is said of a line of a `.env` file that cannot be read.
fn unreadable(line: &str) -> String {
    let name = line.trim_start().split('=').next().unwrap_or_default().trim_end();
    let is_name =
        name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if line.contains('=') && is_name && !name.is_empty() {
        format!("the value of {name} cannot be read: put it in single quotes")
    } else {
        "a line is no NAME=value".to_owned()
    }
}
