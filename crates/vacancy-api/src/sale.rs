//! The ledger as CloudEvents 1.0.

use inventory::{
    EventName, Hash,
    ledger::{BodyError, Record},
};
use inventory_store::StoredRecord;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::time::rfc3339;

/// What the types of records begin with; the kind of the change follows.
pub const KIND_PREFIX: &str = "io.ticket-system.ledger.";

/// A record of an event's ledger as a CloudEvent.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sale {
    /// `1.0`.
    pub specversion: &'static str,
    /// Unique for the source: the record's place in the ledger.
    pub id: String,
    /// The event.
    #[schema(example = "/api/v1/events/default")]
    pub source: String,
    /// The kind of change: `io.ticket-system.ledger.` and `event_put`, `event_deleted`, `sold`,
    /// `held`, `extended`, `payment_started`, `confirmed`, `released`, `expired`, `refunded` or
    /// `refund_due`.
    #[serde(rename = "type")]
    #[schema(example = "io.ticket-system.ledger.sold")]
    pub kind: String,
    /// The hold or reservation that changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Uuid)]
    pub subject: Option<String>,
    /// Time of the decision, RFC 3339.
    #[schema(format = DateTime)]
    pub time: String,
    /// `application/json`.
    pub datacontenttype: &'static str,
    /// The place in the ledger; pass it as `after` for the records that follow.
    #[schema(example = "17")]
    pub sequence: String,
    /// `Integer`: how sequences compare.
    pub sequencetype: &'static str,
    /// SHA-256 of `data` in canonical form (RFC 8785), as it is here; the next record names it as
    /// `prev`.
    pub hash: String,
    /// The record itself.
    #[schema(value_type = Object)]
    pub data: Box<RawValue>,
}

/// `stored` of `event` as a CloudEvent.
///
/// # Errors
/// When the stored bytes are not a record: the store is damaged.
pub fn sale_of(event: &EventName, stored: &StoredRecord) -> Result<Sale, BodyError> {
    let record = Record::from_body(&stored.body)?;
    let hash = Hash::of(&stored.body);
    let data: Box<RawValue> = serde_json::from_slice(&stored.body)?;
    Ok(Sale {
        specversion: "1.0",
        id: stored.seq.to_string(),
        source: format!("/api/v1/events/{event}"),
        kind: format!("{KIND_PREFIX}{}", record.change.kind()),
        subject: record.change.hold().map(|id| id.to_string()),
        time: rfc3339(record.at_ms),
        datacontenttype: "application/json",
        sequence: stored.seq.to_string(),
        sequencetype: "Integer",
        hash: hash.to_string(),
        data,
    })
}
