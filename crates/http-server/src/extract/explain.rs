//! Messages of parsers in plain words, without the names of types.

use std::fmt::Display;

use serde_path_to_error::{Path, Segment};

/// The detail of a 422: where the fault is, if it is inside, and what it is. `whole` names what was
/// read, and `member` its parts.
pub(super) fn explain(path: &Path, message: &str, whole: &str, member: &str) -> String {
    let mut message = plain(message, member);
    let path = place(path);
    if !path.is_empty() {
        // Names say themselves what they are: "customer must be …".
        let last = path.rsplit(['.', ']']).next().unwrap_or_default();
        message = match message.strip_prefix(last).filter(|_| !last.is_empty()) {
            Some(rest) if rest.starts_with(' ') => format!("{path}:{rest}"),
            _ => format!("{path}: {message}"),
        };
    } else if message.starts_with("must ") {
        message = format!("{whole} {message}");
    } else if let Some(first) = message.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    if !message.ends_with(['.', '?']) {
        message.push('.');
    }
    message
}

/// The path to a member, such as `items[0].stock`. A name that is itself the fault has no part in
/// it.
fn place(path: &Path) -> String {
    let mut place = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => place.push_str(&format!("[{index}]")),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                if !place.is_empty() {
                    place.push('.');
                }
                place.push_str(key);
            }
            Segment::Unknown => {}
        }
    }
    place
}

fn plain(message: &str, member: &str) -> String {
    if let Some(name) = message.strip_prefix("missing field `") {
        return format!("{member} {:?} is missing", name.trim_end_matches('`'));
    }
    for kind in ["unknown member ", "duplicate member "] {
        if let Some(rest) = message.strip_prefix(kind) {
            return format!("{}{member} {rest}", &kind[..kind.len() - "member ".len()]);
        }
    }
    if let Some(rest) = message.strip_prefix("unknown variant `")
        && let Some((found, known)) = rest.split_once("`, expected ")
    {
        let known = known.trim_start_matches("one of ").replace('`', "\"");
        return format!("must be {known}, not {found:?}");
    }
    if message == "number out of range" {
        return "the number is too large".to_owned();
    }
    let mismatch = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "));
    match mismatch {
        Some((found, expected)) => format!("must be {expected}, not {}", found_in_words(found)),
        None => message.to_owned(),
    }
}

/// `found` as serde names it, in the words of JSON.
fn found_in_words(found: &str) -> String {
    let quoted = |prefix: &str| found.strip_prefix(prefix).map(|rest| rest.trim_matches('`'));
    if let Some(number) = quoted("integer ").or_else(|| quoted("floating point ")) {
        return format!("the number {number}");
    }
    if let Some(text) = found.strip_prefix("string ") {
        return format!("the string {text}");
    }
    if let Some(value) = quoted("boolean ") {
        return value.to_owned();
    }
    match found {
        "sequence" => "an array".to_owned(),
        "map" => "an object".to_owned(),
        other => other.to_owned(),
    }
}

/// The message of `error` without the place in the text: a path names it better.
pub(super) fn without_place(error: &impl Display, line: usize, column: usize) -> String {
    let text = error.to_string();
    let place = format!(" at line {line} column {column}");
    text.strip_suffix(&place).map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn messages_name_no_types() {
        for (message, words) in [
            ("missing field `qty`", "member \"qty\" is missing"),
            (
                "invalid type: string \"3, expected 4\", expected a whole number",
                "must be a whole number, not the string \"3, expected 4\"",
            ),
            ("invalid type: null, expected a string", "must be a string, not null"),
            ("invalid type: sequence, expected an object", "must be an object, not an array"),
            ("invalid type: map, expected an array", "must be an array, not an object"),
            ("invalid type: boolean `true`, expected a string", "must be a string, not true"),
            ("invalid type: integer `1`, expected a string", "must be a string, not the number 1"),
            (
                "invalid type: floating point `1.5`, expected a string",
                "must be a string, not the number 1.5",
            ),
            ("number out of range", "the number is too large"),
            ("unknown variant `a`, expected `b` or `c`", "must be \"b\" or \"c\", not \"a\""),
            ("unknown variant `a`, expected `b`", "must be \"b\", not \"a\""),
            (
                "unknown variant `a\"`, expected one of `b`, `c`, `d`",
                "must be \"b\", \"c\", \"d\", not \"a\\\"\"",
            ),
            ("duplicate member \"member \"", "duplicate member \"member \""),
        ] {
            assert_eq!(plain(message, "member"), words);
        }
        assert_eq!(plain("unknown member \"a\"", "parameter"), "unknown parameter \"a\"");
    }
}
