//! A purchase as the clients send it to vacancy.

use http_server::extract::Caller;
use inventory::{CustomerId, IdempotencyKey};

use super::trace_headers::TraceHeaders;

/// One buyer's request.
#[derive(Debug, Clone)]
pub struct PurchaseRequest {
    /// The number of tickets.
    pub qty: u64,
    /// The customer, for events with a limit per customer.
    pub customer: Option<CustomerId>,
    /// The buyer's key, or the one that ticket generated.
    pub key: Option<IdempotencyKey>,
    /// Who asks, by the token of the request.
    pub caller: Caller,
    /// The headers that trace the request through both services.
    pub trace: TraceHeaders,
}

impl PurchaseRequest {
    /// Returns an upper bound of its size in the body of a call, bytes, with JSON escapes.
    #[must_use]
    pub fn wire_bytes_max(&self) -> usize {
        const MEMBERS: usize = 96;
        let text = |text: Option<&str>| text.map_or(0, |text| text.len() * 2);
        MEMBERS
            + text(self.key.as_ref().map(IdempotencyKey::as_str))
            + text(self.customer.as_ref().map(CustomerId::as_str))
    }
}
