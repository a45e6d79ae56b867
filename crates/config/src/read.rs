//! From values to the struct that declares them.
//!
//! clap would read the process environment itself, where names have a case and an empty value
//! counts. Instead each value of the [`Source`] becomes an argument of a command made for the
//! purpose.

use clap::{
    ArgMatches, Args, Command,
    error::{ContextKind, ContextValue},
    parser::ValueSource,
};

use crate::{
    ConfigError, Source,
    accept::NotAccepted,
    setting::{Setting, command, settings},
};

/// Reads and checks all settings of `T`.
///
/// # Errors
/// The first setting whose value is wrong.
pub fn read<T: Args>(source: &Source) -> Result<T, ConfigError> {
    read_from(|setting| Ok(source.get(&setting.name)?.into_iter().map(str::to_owned).collect()))
}

/// Like [`read`]; flags given on the command line, found in `matches`, win over `source`.
///
/// # Errors
/// The first setting whose value is wrong.
pub fn read_with_flags<T: Args>(source: &Source, matches: &ArgMatches) -> Result<T, ConfigError> {
    read_from(|setting| match flag_values(matches, &setting.id) {
        Some(values) => Ok(values),
        None => Ok(source.get(&setting.name)?.into_iter().map(str::to_owned).collect()),
    })
}

/// The defaults of `T`.
///
/// # Panics
/// When a default is not accepted or a setting without one is not optional.
#[must_use]
pub fn defaults<T: Args>() -> T {
    read(&Source::default()).expect("a default is accepted")
}

/// `command` with arguments that leave the process environment alone; their help names their
/// variables. Parse the command line with it, then call [`read_with_flags`].
#[must_use]
pub fn ignore_environment(command: Command) -> Command {
    command.mut_subcommands(ignore_environment).mut_args(|arg| {
        let Some(name) = arg.get_env().map(|name| name.to_string_lossy().into_owned()) else {
            return arg;
        };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        arg.env(None::<&str>).help(format!("{help} [env: {name}]"))
    })
}

fn read_from<T: Args>(
    values: impl Fn(&Setting) -> Result<Vec<String>, ConfigError>,
) -> Result<T, ConfigError> {
    let command = command::<T>();
    let settings = settings(&command);
    let mut arguments = Vec::with_capacity(settings.len());
    for setting in &settings {
        let values = values(setting)?;
        arguments.extend(values.into_iter().map(|value| format!("--{}={value}", setting.id)));
    }
    let command = command.mut_args(|arg| {
        let id = arg.get_id().to_string();
        arg.env(None::<&str>).short(None::<char>).long(id)
    });
    command
        .try_get_matches_from(arguments)
        .and_then(|matches| T::from_arg_matches(&matches))
        .map_err(|error| explain(&error, &settings))
}

/// The values of argument `id`, if it was given as a flag.
fn flag_values(matches: &ArgMatches, id: &str) -> Option<Vec<String>> {
    let known = matches.try_contains_id(id).unwrap_or(false);
    if !known || matches.value_source(id) != Some(ValueSource::CommandLine) {
        return None;
    }
    let values = matches.get_raw(id)?;
    Some(values.map(|value| value.to_string_lossy().into_owned()).collect())
}

fn explain(error: &clap::Error, settings: &[Setting]) -> ConfigError {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.as_str(),
        Some(ContextValue::Strings(arguments)) => arguments.first().map_or("", String::as_str),
        _ => "",
    };
    // As in a usage message: `--id <VALUE>`.
    let id = argument.trim_start_matches("--").split([' ', '=', '<']).next().unwrap_or_default();
    let Some(setting) = settings.iter().find(|setting| setting.id == id) else {
        return ConfigError::invalid("settings", argument, error.kind().to_string());
    };
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else {
        let (name, accepted) = (setting.name.clone(), setting.accepted.clone());
        return ConfigError::Missing { name, accepted };
    };
    let not_accepted = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    let accepted = match not_accepted {
        Some(NotAccepted(words)) => words.to_string(),
        None => setting.accepted.clone(),
    };
    if setting.secret {
        ConfigError::invalid_secret(&setting.name, accepted)
    } else {
        ConfigError::invalid(&setting.name, value, accepted)
    }
}
