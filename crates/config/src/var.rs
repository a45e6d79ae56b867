/// One setting: the name of its environment variable, its default and its documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Var {
    /// Name of the environment variable, upper case.
    pub name: &'static str,
    /// Value used when the variable is unset or empty; `None`: the setting is optional or
    /// required.
    pub default: Option<&'static str>,
    /// What is accepted, with the unit, such as `whole number of bytes`; shown in errors and
    /// documentation.
    pub kind: &'static str,
    /// One sentence for `--help` and the reference table.
    pub help: &'static str,
    /// The value must never be shown.
    pub secret: bool,
}

impl Var {
    /// A setting with a default.
    #[must_use]
    pub const fn new(
        name: &'static str,
        default: &'static str,
        kind: &'static str,
        help: &'static str,
    ) -> Self {
        Self { name, default: Some(default), kind, help, secret: false }
    }

    /// A setting without a default: read it with [`Source::get_opt`](super::Source::get_opt), or
    /// with [`Source::get`](super::Source::get) when it is required.
    #[must_use]
    pub const fn optional(name: &'static str, kind: &'static str, help: &'static str) -> Self {
        Self { name, default: None, kind, help, secret: false }
    }

    /// An optional setting whose value is never shown.
    #[must_use]
    pub const fn secret(name: &'static str, kind: &'static str, help: &'static str) -> Self {
        Self { name, default: None, kind, help, secret: true }
    }
}

/// Settings that are documented under one heading.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    pub title: &'static str,
    pub vars: &'static [&'static Var],
}
