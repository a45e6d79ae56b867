//! From values to the struct that declares them.
//!
//! clap would read the process environment itself, where names have a case and an empty value
//! counts. Instead each value of the [`Source`] is checked and becomes the default of its argument,
//! so that flags still win.

use std::{error::Error, ffi::OsString};

use clap::{Arg, Args, Command, Parser};

use crate::{
    ConfigError, Source,
    accept::NotAccepted,
    setting::{Setting, command},
};

/// Reads and checks all settings of `T`.
///
/// # Errors
/// The first setting whose value is wrong or missing.
pub fn read<T: Args>(source: &Source) -> Result<T, ConfigError> {
    let command = command::<T>();
    for arg in command.get_arguments() {
        if let Some(setting) = Setting::of(arg)
            && arg.is_required_set()
            && source.get(&setting.name)?.is_none()
        {
            let Setting { name, accepted, .. } = setting;
            return Err(ConfigError::Missing { name, accepted });
        }
    }
    check(&command, source)?;
    let matches = with_values(command.mut_args(as_flag), source).get_matches_from([""; 0]);
    Ok(T::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// The defaults of `T`.
///
/// # Panics
/// When a default is not accepted, or a setting without one is not optional.
#[must_use]
pub fn defaults<T: Args>() -> T {
    read(&Source::default()).expect("defaults are accepted")
}

/// Parses the command line `args`; values of `source` stand in for flags that are not given. A
/// wrong command line, `--help` and `--version` end the process, as clap does.
///
/// # Errors
/// The first setting whose value in `source` is wrong.
pub fn parse<T: Parser>(
    source: &Source,
    args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
) -> Result<T, ConfigError> {
    let command = T::command();
    check(&command, source)?;
    let matches = with_values(command, source).get_matches_from(args);
    Ok(T::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

/// Checks the values of `source` for `command` and its subcommands.
fn check(command: &Command, source: &Source) -> Result<(), ConfigError> {
    for arg in command.get_arguments() {
        if let Some(setting) = Setting::of(arg)
            && let Some(value) = source.get(&setting.name)?
        {
            check_value(arg, &setting, value)?;
        }
    }
    command.get_subcommands().try_for_each(|command| check(command, source))
}

fn check_value(arg: &Arg, setting: &Setting, value: &str) -> Result<(), ConfigError> {
    let flag = as_flag(arg.clone()).env(None::<&str>);
    let command = Command::new("setting").no_binary_name(true).arg(flag);
    let result = command.try_get_matches_from([format!("--{}={value}", setting.id)]);
    let Err(error) = result else { return Ok(()) };
    let accepted = match error.source().and_then(|cause| cause.downcast_ref()) {
        Some(NotAccepted(words)) => words.to_string(),
        None => setting.accepted.clone(),
    };
    Err(if setting.secret {
        ConfigError::invalid_secret(&setting.name, accepted)
    } else {
        ConfigError::invalid(&setting.name, value, accepted)
    })
}

/// `arg` with a flag: the values of positional arguments cannot be told apart.
fn as_flag(arg: Arg) -> Arg {
    let id = arg.get_id().to_string();
    arg.short(None::<char>).long(id)
}

/// `command` with the values of `source` as defaults, also in its subcommands. It leaves the
/// process environment alone; the help names the variables.
fn with_values(command: Command, source: &Source) -> Command {
    let command = command.mut_subcommands(|command| with_values(command, source));
    command.mut_args(|arg| {
        let Some(setting) = Setting::of(&arg) else { return arg };
        let arg = arg.env(None::<&str>).help(format!("{} [env: {}]", setting.help, setting.name));
        match source.get(&setting.name) {
            Ok(Some(value)) => arg.required(false).default_value(value.to_owned()),
            _ => arg,
        }
    })
}
