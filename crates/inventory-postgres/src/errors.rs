//! Classifies errors of the database by their effect on a batch.

use inventory_store::StoreError;
use tokio_postgres::error::{DbError as ServerError, SqlState};

/// An error, classified by the possible reaction. The text is for logs: it names no host and no
/// password.
#[derive(Debug, Clone)]
pub enum DbError {
    /// The transaction conflicted with another and is rolled back; a retry may succeed.
    Again(String),
    /// The connection is closed, or leads to a server that does not accept writes. A new connection
    /// is needed.
    Lost(String),
    /// The database refused the data of the statement. Other data may be accepted.
    Data(String),
    /// The database refused the statement, and would refuse it again.
    Refused(String),
    /// The login was refused.
    Login(String),
    /// The database does not store text as UTF-8, so it cannot store every text.
    Encoding(String),
    /// The database, its schema or a part of that is missing.
    Missing(String),
    /// A newer version of this program has changed the schema.
    Newer,
    /// Stored data is invalid.
    Damaged(String),
}

/// Classes of errors that say something about the server, the login or the schema, and nothing
/// about the data. All other classes are about the data, also those that a trigger makes up:
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
const NOT_ABOUT_DATA: [&str; 25] = [
    "08", "0A", "0B", "24", "25", "26", "28", "2B", "2D", "2F", "34", "3B", "3D", "3F", "40", "42",
    "53", "55", "57", "58", "72", "F0", "HV", "XX", "0L",
];

/// Constraints of this program. Another process that wrote first violates them, and a retry sees
/// its write.
const OWN_CONSTRAINTS: [&str; 6] =
    ["events_pkey", "ledger_pkey", "holds_pkey", "customers_pkey", "keys_pkey", "migrations_pkey"];

/// The message of the function that writes a batch, when another process has used a key meanwhile.
const KEY_IN_USE: &str = "a key is in use";

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else { return Self::Lost(with_causes(&error)) };
        let text = format!("{} ({})", db.message(), db.code().code());
        let again = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::QUERY_CANCELED,
        ];
        let lost = [
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ];
        let missing = [
            SqlState::INVALID_CATALOG_NAME,
            SqlState::INVALID_SCHEMA_NAME,
            SqlState::UNDEFINED_TABLE,
            SqlState::UNDEFINED_FUNCTION,
        ];
        let class = &db.code().code()[..2];
        if again.contains(db.code()) || is_own_unique_violation(db) {
            Self::Again(text)
        } else if lost.contains(db.code()) || class == "08" || class == "57" {
            Self::Lost(text)
        } else if class == "28" {
            Self::Login(text)
        } else if is_from_rule(db) || !NOT_ABOUT_DATA.contains(&class) {
            Self::Data(text)
        } else if missing.contains(db.code()) {
            Self::Missing(text)
        } else {
            Self::Refused(text)
        }
    }
}

/// Whether a unique key of this program is violated, or a statement of it says so itself. An
/// administrator's unique constraint is about the data instead.
fn is_own_unique_violation(error: &ServerError) -> bool {
    *error.code() == SqlState::UNIQUE_VIOLATION
        && match error.constraint() {
            Some(name) => OWN_CONSTRAINTS.contains(&name),
            None => error.message() == KEY_IN_USE,
        }
}

/// Whether the code does not count: a policy of row security refuses a row with the code of a
/// missing right, and a trigger may raise any code.
fn is_from_rule(error: &ServerError) -> bool {
    matches!(error.routine(), Some("ExecWithCheckOptions" | "exec_stmt_raise"))
}

/// An error with its causes: the outermost alone says little.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.ends_with(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

impl DbError {
    pub fn text(&self) -> &str {
        match self {
            Self::Again(text)
            | Self::Lost(text)
            | Self::Data(text)
            | Self::Refused(text)
            | Self::Login(text)
            | Self::Encoding(text)
            | Self::Missing(text)
            | Self::Damaged(text) => text,
            Self::Newer => "the schema was changed by a newer version of this program",
        }
    }

    /// Whether the error concerns more than the batch that met it: the monitor should look.
    pub fn is_about_database(&self) -> bool {
        !matches!(self, Self::Again(_) | Self::Data(_))
    }

    /// The store error, where nothing was written.
    pub fn without_effect(self) -> StoreError {
        match self {
            Self::Again(text) | Self::Lost(text) => StoreError::Conflict(text.into()),
            other => other.unavailable(),
        }
    }

    /// The store error of a failed connection or read.
    pub fn unavailable(self) -> StoreError {
        match self {
            Self::Damaged(text) => StoreError::Damaged(text.into()),
            Self::Data(text) => StoreError::Refused(text.into()),
            other => StoreError::Unavailable(other.text().into()),
        }
    }
}
