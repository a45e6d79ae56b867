//! Documentation of settings: help text, Markdown tables, `.env.example`.

use std::fmt::Write;

use clap::Args;

use crate::setting::{Setting, command, settings};

/// Width of the name column in the help text.
const NAME_WIDTH: usize = 28;

/// The settings of `T` as plain text, for `--help`.
#[must_use]
pub fn render_help<T: Args>() -> String {
    render::<T>(
        |group| format!("{group}:\n"),
        |setting| {
            let Setting { name, accepted, help, .. } = setting;
            let default = setting.default.as_ref().map_or_else(
                || "not set by default".to_owned(),
                |value| format!("default {value}"),
            );
            format!(
                "  {name:NAME_WIDTH$} {help}\n  {empty:NAME_WIDTH$} {accepted}; {default}\n",
                empty = ""
            )
        },
    )
}

/// The settings of `T` as Markdown tables, one per group.
#[must_use]
pub fn render_markdown<T: Args>() -> String {
    render::<T>(
        |group| {
            format!(
                "## {group}\n\n| variable | default | accepted | meaning |\n|---|---|---|---|\n"
            )
        },
        |setting| {
            let default = setting
                .default
                .as_ref()
                .map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"));
            let [accepted, help] =
                [&setting.accepted, &setting.help].map(|cell| cell.replace('|', "\\|"));
            format!("| `{}` | {default} | {accepted} | {help} |\n", setting.name)
        },
    )
}

/// A commented `.env.example`: every setting of `T` with its default, commented out.
#[must_use]
pub fn render_dotenv<T: Args>() -> String {
    render::<T>(
        |group| format!("# --- {group} ---\n"),
        |setting| {
            let Setting { name, accepted, help, .. } = setting;
            let value = quoted(setting.default.as_deref().unwrap_or_default());
            format!("# {help} ({accepted})\n#{name}={value}\n")
        },
    )
}

/// Every group with its settings, and an empty line after each.
fn render<T: Args>(heading: impl Fn(&str) -> String, entry: impl Fn(&Setting) -> String) -> String {
    let settings = settings(&command::<T>());
    let mut out = String::new();
    for group in settings.chunk_by(|one, next| one.group == next.group) {
        let entries: String = group.iter().map(&entry).collect();
        writeln!(out, "{}{entries}", heading(&group[0].group))
            .expect("writing to a String cannot fail");
    }
    out
}

/// Quotes what a `.env` parser would otherwise split or expand.
fn quoted(value: &str) -> String {
    if value.contains(|c: char| c.is_whitespace() || "#$'\"\\".contains(c)) {
        format!("'{value}'")
    } else {
        value.to_owned()
    }
}
