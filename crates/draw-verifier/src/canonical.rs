//! Canonical JSON (RFC 8785), for records that a tool has formatted in another way.

use std::collections::BTreeMap;

use serde_json::Value;

/// The canonical form of `value`, as far as ledgers need it: names of members are ASCII, numbers
/// are whole.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            // serde_json may be built to keep the order of members.
            let members: BTreeMap<_, _> = members.iter().collect();
            list(text, ['{', '}'], members, |text, (name, value)| {
                text.push_str(&Value::String(name.clone()).to_string());
                text.push(':');
                write(value, text);
            });
        }
        Value::Array(values) => {
            list(text, ['[', ']'], values, |text, value| write(value, text));
        }
        other => text.push_str(&other.to_string()),
    }
}

fn list<T>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    text.push(open);
    for (number, item) in items.into_iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        write(text, item);
    }
    text.push(close);
}
