//! Classifies errors of the database by their effect on a batch.

use inventory_store::StoreError;
use tokio_postgres::error::SqlState;

/// An error, classified by the possible reaction. The text is for logs: it names no host and no
/// password.
#[derive(Debug, Clone)]
pub enum DbError {
    /// The transaction conflicted with another and is rolled back; a retry may succeed.
    Again(String),
    /// The connection is closed, or leads to a server that does not accept writes. A new connection
    /// is needed.
    Lost(String),
    /// The database refused the statement, and would refuse it again.
    Refused(String),
    /// The login was refused.
    Login(String),
    /// A newer version of this program has changed the schema.
    Newer,
    /// Stored data is invalid.
    Damaged(String),
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else { return Self::Lost(with_causes(&error)) };
        let text = format!("{} ({})", db.message(), db.code().code());
        let again = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::UNIQUE_VIOLATION,
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
        let class = &db.code().code()[..2];
        if again.contains(db.code()) {
            Self::Again(text)
        } else if lost.contains(db.code()) || class == "08" || class == "57" {
            Self::Lost(text)
        } else if class == "28" {
            Self::Login(text)
        } else {
            Self::Refused(text)
        }
    }
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
            | Self::Refused(text)
            | Self::Login(text)
            | Self::Damaged(text) => text,
            Self::Newer => "the schema was changed by a newer version of this program",
        }
    }

    /// The store error, where nothing was written.
    pub fn without_effect(self) -> StoreError {
        match self {
            Self::Again(text) | Self::Lost(text) => StoreError::Conflict(text.into()),
            Self::Damaged(text) => StoreError::Damaged(text.into()),
            other @ (Self::Refused(_) | Self::Login(_) | Self::Newer) => {
                StoreError::Unavailable(other.text().into())
            }
        }
    }

    /// The store error of a failed connection or read.
    pub fn unavailable(self) -> StoreError {
        match self {
            Self::Damaged(text) => StoreError::Damaged(text.into()),
            other => StoreError::Unavailable(other.text().into()),
        }
    }
}
