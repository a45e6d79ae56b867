//! Looking reservations up by customer and payment.

use inventory::{CustomerId, EventName, Hold, HoldId, PaymentRef, domain::LookupKey};

use crate::{engine::Engine, request::EngineError};

/// Holds examined for one page of a look-up with several conditions, at least.
const EXAMINED_MAX: usize = 1_000;

/// What a reservation must have to be found. Without customer and payment it finds nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReservationFilter {
    /// The customer.
    pub customer: Option<CustomerId>,
    /// The payment named by the confirmation.
    pub payment_ref: Option<PaymentRef>,
    /// The event.
    pub event: Option<EventName>,
}

impl ReservationFilter {
    /// The key that is looked up: a payment rather than a customer, because few reservations have
    /// the same one.
    fn key(&self) -> Option<LookupKey<'_>> {
        let payment = self.payment_ref.as_ref().map(LookupKey::PaymentRef);
        payment.or(self.customer.as_ref().map(LookupKey::Customer))
    }

    /// Whether the key alone does not decide.
    fn is_narrowed(&self) -> bool {
        self.event.is_some() || (self.customer.is_some() && self.payment_ref.is_some())
    }

    fn finds(&self, hold: &Hold) -> bool {
        let is = |key: LookupKey<'_>| key.finds(hold);
        self.event.as_ref().is_none_or(|event| hold.event == *event)
            && self.customer.as_ref().is_none_or(|customer| is(LookupKey::Customer(customer)))
            && self.payment_ref.as_ref().is_none_or(|payment| is(LookupKey::PaymentRef(payment)))
    }
}

/// A page of a look-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservationPage {
    /// Holds and reservations, the newest id first.
    pub holds: Vec<Hold>,
    /// The last id examined; none on the last page.
    pub next: Option<HoldId>,
}

impl Engine {
    /// Holds and reservations that `filter` finds with ids below `before`, at most `limit`. It
    /// waits for no batch and no expiry; [`Hold::state_at`] has the state.
    ///
    /// A page examines a bounded number of holds, so it may have fewer than `limit`, or none, and
    /// a `next` all the same.
    ///
    /// # Errors
    /// [`EngineError::Store`].
    pub async fn reservations(
        &self,
        filter: &ReservationFilter,
        before: Option<HoldId>,
        limit: usize,
    ) -> Result<ReservationPage, EngineError> {
        let Some(key) = filter.key() else {
            return Ok(ReservationPage { holds: Vec::new(), next: None });
        };
        let examined_max = if filter.is_narrowed() { limit.max(EXAMINED_MAX) } else { limit };
        let mut found = self.reader.lookup(key, before, examined_max + 1).await?;
        let mut more = found.len() > examined_max;
        found.truncate(examined_max);
        let (mut holds, mut last) = (Vec::new(), None);
        for hold in found {
            if holds.len() == limit {
                more = true;
                break;
            }
            last = Some(hold.id);
            if filter.finds(&hold) {
                holds.push(hold);
            }
        }
        Ok(ReservationPage { holds, next: last.filter(|_| more) })
    }
}
