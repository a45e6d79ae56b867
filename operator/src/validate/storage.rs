//! The storage of the stock.

use crate::api::{EmbeddedStorage, PostgresStorage, TicketSystemSpec};

/// The resolved storage.
#[derive(Clone, Debug, PartialEq)]
pub enum Storage {
    Embedded(EmbeddedStorage),
    Postgres(PostgresStorage),
}

impl Storage {
    /// The value of `status.storage`.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "embedded",
            Self::Postgres(_) => "postgres",
        }
    }

    pub(super) fn of(spec: &TicketSystemSpec) -> Self {
        let given = spec.storage.as_ref();
        match given.and_then(|storage| storage.postgres.as_ref()) {
            Some(postgres) => Self::Postgres(postgres.clone()),
            None => Self::Embedded(
                given.and_then(|storage| storage.embedded.clone()).unwrap_or_default(),
            ),
        }
    }
}
