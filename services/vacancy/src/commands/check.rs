//! `check`: the settings, checked as a start checks them. It opens neither store nor socket.

use std::{fmt, process::ExitCode};

use http_server::program;
use vacancy_service::VacancySettings;

/// The settings of a stock, in a few words and without secrets.
pub struct StockSummary<'a>(pub &'a VacancySettings);

impl fmt::Display for StockSummary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.0;
        match &settings.postgres {
            Some(_) => write!(f, "stock in PostgreSQL")?,
            None => write!(f, "stock in {}", settings.data_dir.display())?,
        }
        for (role, tokens) in
            [("admin", &settings.tokens.admin), ("seller", &settings.tokens.seller)]
        {
            match tokens.current() {
                Some(tokens) => write!(f, ", {role} tokens: {}", tokens.count())?,
                None => write!(f, ", {role} calls disabled")?,
            }
        }
        Ok(())
    }
}

/// Prints that the settings of `service` are accepted. Wrong ones have been refused before.
pub fn print_check(
    (name, version): (&str, &str),
    port: u16,
    summary: &impl fmt::Display,
) -> ExitCode {
    program::print(name, &format!("ok: {name} {version}, port {port}, {summary}\n"))
}
