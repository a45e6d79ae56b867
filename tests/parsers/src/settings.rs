//! Settings.

use config::{ConfigError, Source};
use inventory_embedded::EmbeddedOptions;
use ticket::TicketSettings;

use crate::without;

/// Settings in the form of a `.env` file are accepted within their limits, or refused by one line
/// that names the variable and shows no secret.
///
/// # Panics
/// When that does not hold.
pub fn settings(data: &[u8]) {
    // These settings name files, which would be read.
    if data.windows(6).any(|part| {
        part.eq_ignore_ascii_case(b"sslroo")
            || part.eq_ignore_ascii_case(b"sslcer")
            || part.eq_ignore_ascii_case(b"sslkey")
            || part.eq_ignore_ascii_case(b"n_file")
    }) {
        return;
    }
    match read(data) {
        Ok(settings) => {
            let limits = &settings.vacancy.limits;
            assert!(
                limits.hold_ttl_ms <= limits.hold_ttl_max_ms
                    && limits.hold_ttl_max_ms <= limits.hold_lifetime_max_ms
            );
            assert!(
                settings.vacancy.reserve_batch_max <= limits.queue_max
                    && settings.vacancy.initial_stock <= limits.capacity_max
            );
            assert!(
                settings.vacancy.store.memtable_bytes
                    <= settings.vacancy.store.journal_bytes / EmbeddedOptions::TABLES
            );
            let tokens = settings.vacancy.tokens.admin.current();
            assert!(tokens.is_none_or(|tokens| {
                tokens.first().is_some_and(|token| token.expose().len() >= 16)
            }));
        }
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains('\n') && line.contains(": "), "{line:?}");
            for secret in secrets(data).iter().filter(|secret| line.contains(*secret)) {
                // A fuzzer finds secrets that are words of the message: the message without the
                // secret contains them, too.
                assert!(
                    read(&without(data, secret))
                        .is_err_and(|error| error.to_string().contains(secret)),
                    "{line}"
                );
            }
        }
    }
}

fn read(data: &[u8]) -> Result<TicketSettings, ConfigError> {
    let source = Source::default().with_dotenv(data, "the file".as_ref())?;
    TicketSettings::from_source(&source)
}

/// The values of secrets that are too long to be a part of the message by chance, and that do not
/// appear elsewhere in `data`.
fn secrets(data: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(data);
    let secret = |line: &str| {
        let (name, value) = line.split_once('=')?;
        let is_secret = ["ADMIN_TOKEN", "STORE_URL"]
            .iter()
            .any(|known| name.trim().eq_ignore_ascii_case(known));
        let value = value.trim().trim_matches(['\'', '"']);
        (is_secret
            && value.len() >= 12
            && text.matches(value).count() == 1
            && !"postgres://user:password@host:5432/database".contains(value))
        .then(|| value.to_owned())
    };
    text.lines().filter_map(secret).collect()
}
