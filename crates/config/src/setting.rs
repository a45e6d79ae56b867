//! The description of a setting, taken from its declaration.

use clap::{Arg, Args, Command};

/// One setting, as its declaration describes it.
pub(crate) struct Setting {
    /// Id of the argument; also its flag while values are read.
    pub id: String,
    /// Name of the environment variable.
    pub name: String,
    /// Heading under which it is documented.
    pub group: String,
    pub default: Option<String>,
    /// Accepted values, in words.
    pub accepted: String,
    /// One sentence without its full stop.
    pub help: String,
    /// The value must never be shown.
    pub secret: bool,
}

impl Setting {
    pub fn of(arg: &Arg) -> Option<Self> {
        let defaults: Vec<_> =
            arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        Some(Self {
            id: arg.get_id().to_string(),
            name: arg.get_env()?.to_str()?.to_owned(),
            group: arg.get_help_heading().unwrap_or("Settings").to_owned(),
            default: (!defaults.is_empty()).then(|| defaults.join(",")),
            accepted: accepted(arg),
            help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
            secret: arg.is_hide_env_values_set(),
        })
    }
}

/// The words of its parser, its alternatives, or the name of its value.
fn accepted(arg: &Arg) -> String {
    let values: Vec<_> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    match values.split_last() {
        None => arg.get_value_names().unwrap_or_default().join(" "),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

/// A command whose arguments are those of `T`.
pub(crate) fn command<T: Args>() -> Command {
    let command = Command::new("settings")
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true);
    T::augment_args(command)
}

/// The settings of `command`, in the order of their declaration.
pub(crate) fn settings(command: &Command) -> Vec<Setting> {
    command.get_arguments().filter_map(Setting::of).collect()
}
