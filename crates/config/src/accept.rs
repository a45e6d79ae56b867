//! Parsers of values that state in words what they accept.
//!
//! The words complete the sentence "expected …" in errors and fill the column "accepted" of the
//! reference table.

use std::{
    borrow::Cow, ffi::OsStr, fmt::Display, iter, ops::RangeInclusive, str::FromStr, sync::Arc,
    time::Duration,
};

use clap::builder::{PossibleValue, TypedValueParser};

/// A value parser for `#[arg(value_parser = …)]`.
pub struct Accept<T> {
    words: Cow<'static, str>,
    parse: Arc<dyn Fn(&str) -> Option<T> + Send + Sync>,
}

/// The value is none of those in `0`.
#[derive(Debug, thiserror::Error)]
#[error("expected {0}")]
pub(crate) struct NotAccepted(pub Cow<'static, str>);

impl<T> Accept<T> {
    /// Accepts the values for which `parse` returns one. `words` describes them.
    pub fn new(
        words: impl Into<Cow<'static, str>>,
        parse: impl Fn(&str) -> Option<T> + Send + Sync + 'static,
    ) -> Self {
        Self { words: words.into(), parse: Arc::new(parse) }
    }

    /// Appends `unit` to the words: `1 to 60` becomes `1 to 60 seconds`.
    #[must_use]
    pub fn unit(self, unit: &str) -> Self {
        Self { words: format!("{} {unit}", self.words).into(), ..self }
    }

    /// Replaces the words, for ranges that end at another setting.
    #[must_use]
    pub fn described(self, words: &'static str) -> Self {
        Self { words: words.into(), ..self }
    }
}

// Derived, it would ask for `T: Clone`.
impl<T> Clone for Accept<T> {
    fn clone(&self) -> Self {
        Self { words: self.words.clone(), parse: self.parse.clone() }
    }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Accept<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        let Self { words, parse } = self.clone();
        let parse = move |text: &str| parse(text).ok_or_else(|| NotAccepted(words.clone()));
        TypedValueParser::parse_ref(&parse, command, arg, value)
    }

    /// The words, where the rendered documentation finds them.
    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(iter::once(PossibleValue::new(self.words.clone().into_owned()))))
    }
}

/// Values of a type that parses; `words` describes them.
pub fn parsed<T: FromStr + 'static>(words: &'static str) -> Accept<T> {
    Accept::new(words, |text| text.parse().ok())
}

/// Values from `range`, both ends included.
pub fn range<T>(range: RangeInclusive<T>) -> Accept<T>
where
    T: FromStr + PartialOrd + Display + Send + Sync + 'static,
{
    Accept::new(format!("{} to {}", range.start(), range.end()), move |text| {
        text.parse().ok().filter(|value| range.contains(value))
    })
}

/// Decimal seconds such as `2.0` within `range_s`, both ends included.
pub fn seconds(range_s: RangeInclusive<f64>) -> Accept<Duration> {
    let words = format!("{} to {} seconds", range_s.start(), range_s.end());
    Accept::new(words, move |text| {
        let seconds = text.parse().ok().filter(|seconds| range_s.contains(seconds))?;
        Duration::try_from_secs_f64(seconds).ok()
    })
}

/// `true` or `false`, also `1`/`0`, `yes`/`no` and `on`/`off`, in any case.
#[must_use]
pub fn flag() -> Accept<bool> {
    Accept::new("true or false", |text| match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    })
}
