//! Look-ups of reservations, as clients answer them.

use inventory::{CustomerId, EventName, HoldId, PaymentRef};

/// What the reservations of a page must have. It names a customer, a payment or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationRequest {
    /// The customer.
    pub customer: Option<CustomerId>,
    /// The payment.
    pub payment_ref: Option<PaymentRef>,
    /// The event.
    pub event: Option<EventName>,
    /// Reservations that are older than this one.
    pub before: Option<HoldId>,
    /// Entries at most.
    pub limit: usize,
}
