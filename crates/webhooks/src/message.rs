//! What a receiver gets.

use inventory::{EventName, ledger::BodyError};
use inventory_store::StoredRecord;
use thiserror::Error;
use vacancy_api::sale_of;

/// Why a record cannot be told.
#[derive(Debug, Error)]
pub enum MessageError {
    /// The store is damaged.
    #[error("{0}")]
    Record(#[from] BodyError),
    /// It cannot be encoded.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

/// A CloudEvent in structured mode, with the id that its retries share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `webhook-id`: event and seq.
    pub id: String,
    /// The type of the CloudEvent.
    pub kind: String,
    /// The CloudEvent.
    pub body: Vec<u8>,
}

impl Message {
    /// The message for a record of `event`.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn of(event: &EventName, record: &StoredRecord) -> Result<Self, MessageError> {
        let sale = sale_of(event, record)?;
        let body = serde_json::to_vec(&sale)?;
        Ok(Self { id: format!("{event}/{}", record.seq), kind: sale.kind, body })
    }

    /// A message that says nothing but that it arrives.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn test(webhook: &str, id: &str, time: &str) -> Result<Self, MessageError> {
        let kind = "io.ticket-system.webhook.test";
        let body = serde_json::to_vec(&serde_json::json!({
            "specversion": "1.0",
            "id": id,
            "source": format!("/api/v1/admin/webhooks/{webhook}"),
            "type": kind,
            "time": time,
            "datacontenttype": "application/json",
            "data": {},
        }))?;
        Ok(Self { id: format!("test/{id}"), kind: kind.to_owned(), body })
    }
}
