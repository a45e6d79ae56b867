//! The URL of a database.

use inventory_postgres::Target;

use crate::without;

/// A database URL is parsed or refused, and neither form shows its password.
///
/// # Panics
/// When that does not hold.
pub fn database_url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // They name files, which would be read.
    if ["sslrootcert", "sslcert", "sslkey"].iter().any(|name| text.contains(name)) {
        return;
    }
    let text_shown = shown(&text);
    if let Some(password) = password(&text).filter(|password| text_shown.contains(*password)) {
        // A fuzzer finds passwords that are words of the message; those are there without the
        // password, too.
        assert!(
            shown(&String::from_utf8_lossy(&without(text.as_bytes(), password))).contains(password),
            "{text_shown}"
        );
    }
}

fn shown(url: &str) -> String {
    match url.parse::<Target>() {
        Ok(target) => format!("{target:?}"),
        Err(error) => format!("{error} {error:?}"),
    }
}

/// Whether the password is too long to be a word of the message by chance, and not the name of a
/// parameter, which the message may show.
fn password(url: &str) -> Option<&str> {
    let (login, rest) = url.split_once("://")?.1.split_once('@')?;
    let password = login.split_once(':')?.1;
    (password.len() >= 12 && !rest.contains(password) && !password.contains(' '))
        .then_some(password)
}
