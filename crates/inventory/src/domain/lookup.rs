//! What reservations are looked up by.

use super::{CustomerId, Hold, PaymentRef};

/// A text that finds holds and reservations. A hold gets each of its keys once, and keeps it: the
/// customer when it is made, a payment when it is started, when it confirms the hold, or when it
/// comes too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupKey<'a> {
    /// The customer it was made for.
    Customer(&'a CustomerId),
    /// A payment for it.
    PaymentRef(&'a PaymentRef),
}

impl<'a> LookupKey<'a> {
    /// The keys of `hold`, each once.
    pub fn of(hold: &'a Hold) -> impl Iterator<Item = Self> {
        let (confirmed, started) = (&hold.payment_ref, &hold.terms.payment_started);
        let started_only =
            started.iter().filter(move |payment| confirmed.as_ref() != Some(*payment));
        let due = hold.terms.refunds_due.iter().filter(move |payment| {
            confirmed.as_ref() != Some(*payment) && started.as_ref() != Some(*payment)
        });
        let payments = confirmed.iter().chain(started_only).chain(due).map(Self::PaymentRef);
        hold.customer.iter().map(Self::Customer).chain(payments)
    }

    /// Whether it is a key of `hold`.
    #[must_use]
    pub fn finds(self, hold: &Hold) -> bool {
        LookupKey::of(hold).any(|key| key == self)
    }

    /// Its text.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        match self {
            Self::Customer(customer) => customer.as_str(),
            Self::PaymentRef(payment) => payment.as_str(),
        }
    }
}
