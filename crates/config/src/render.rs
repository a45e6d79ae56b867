use std::fmt::Write;

use super::{Group, Var};

/// Width of the name column in the help text.
const NAME_WIDTH: usize = 28;

/// The settings as plain text, for `--help`.
#[must_use]
pub fn render_help(groups: &[Group]) -> String {
    let mut out = String::new();
    for group in groups {
        line(&mut out, format_args!("{}:", group.title));
        for var in group.vars {
            line(&mut out, format_args!("  {:NAME_WIDTH$} {}", var.name, var.help));
            line(
                &mut out,
                format_args!("  {:NAME_WIDTH$} {}; {}", "", var.kind, default_words(var)),
            );
        }
        out.push('\n');
    }
    out
}

/// The settings as Markdown tables, one per group.
#[must_use]
pub fn render_markdown(groups: &[Group]) -> String {
    let mut out = String::new();
    for group in groups {
        line(
            &mut out,
            format_args!(
                "## {}\n\n| variable | default | accepted | meaning |\n|---|---|---|---|",
                group.title
            ),
        );
        for var in group.vars {
            let default =
                var.default.map_or_else(|| "not set".to_owned(), |value| format!("`{value}`"));
            let cells = [var.kind, var.help].map(|cell| cell.replace('|', "\\|"));
            line(
                &mut out,
                format_args!("| `{}` | {default} | {} | {} |", var.name, cells[0], cells[1]),
            );
        }
        out.push('\n');
    }
    out
}

/// A commented `.env.example`: every setting with its default, commented out.
#[must_use]
pub fn render_dotenv(groups: &[Group]) -> String {
    let mut out = String::new();
    for group in groups {
        line(&mut out, format_args!("# --- {} ---", group.title));
        for var in group.vars {
            line(
                &mut out,
                format_args!(
                    "# {} ({})\n#{}={}",
                    var.help,
                    var.kind,
                    var.name,
                    quoted(var.default.unwrap_or_default())
                ),
            );
        }
        out.push('\n');
    }
    out
}

fn default_words(var: &Var) -> String {
    var.default.map_or_else(|| "not set by default".to_owned(), |value| format!("default {value}"))
}

/// Quotes what a `.env` parser would otherwise split or expand.
fn quoted(value: &str) -> String {
    if value.contains(|c: char| c.is_whitespace() || "#$'\"\\".contains(c)) {
        format!("'{value}'")
    } else {
        value.to_owned()
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("writing to a String cannot fail");
}
