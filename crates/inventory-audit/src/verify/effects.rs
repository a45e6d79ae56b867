//! What a record does to its hold and customer.

use std::borrow::Cow;

use inventory::{
    domain::{CustomerId, Hold, HoldId, Items},
    ledger::{Change, Record},
};

use super::{queue::Places, violation::ViolationKind};

/// How things were before a record.
pub struct Before {
    /// The hold it is about.
    pub hold: Option<Hold>,
    /// Whether the customer of that hold would have more than the event allows if the hold had its
    /// items again. Only known for a record of a refund that is due.
    pub is_over_limit: bool,
    /// The places that the record names.
    pub places: Places,
    /// The entry of the waiting list that the record passes over.
    pub over: Option<Hold>,
}

/// The effects of a record on its hold and customer.
pub struct Effects {
    /// The hold as it is afterwards.
    pub hold: Option<Hold>,
    /// Whose it is, and by how much more or less that customer has.
    pub customer: Option<(CustomerId, i128)>,
    /// The places as they are afterwards.
    pub places: Places,
    /// The entry that was passed over, as it is afterwards.
    pub over: Option<Hold>,
}

impl Effects {
    /// Those of a change of the event itself.
    pub fn of_event(places: Places) -> Self {
        Self { hold: None, customer: None, places, over: None }
    }

    /// Those of a change of a hold alone.
    pub fn of_hold(hold: Hold) -> Self {
        Self { hold: Some(hold), customer: None, places: Vec::new(), over: None }
    }
}

pub fn with_customer(hold: Hold, more: i128) -> Effects {
    let customer = hold.customer.clone().map(|customer| (customer, more));
    Effects { customer, ..Effects::of_hold(hold) }
}

/// The hold, which exists and belongs to the event.
pub fn mine(id: HoldId, record: &Record, before: Option<Hold>) -> Result<Hold, ViolationKind> {
    let hold = before.ok_or(ViolationKind::Hold { id, why: "hold not found" })?;
    if hold.event == record.event {
        Ok(hold)
    } else {
        Err(ViolationKind::Hold { id, why: "belongs to another event" })
    }
}

/// The hold, which has these items; at its new place.
pub fn known(
    id: HoldId,
    items: &Items,
    record: &Record,
    before: Option<Hold>,
) -> Result<Hold, ViolationKind> {
    let mut hold = mine(id, record, before)?;
    if hold.items != *items {
        return Err(ViolationKind::Hold { id, why: "other items than the hold's" });
    }
    hold.seq = record.seq;
    Ok(hold)
}

/// The items whose stocks the record names in `left`; `None` for all stocks.
pub fn items_of(change: &Change) -> Option<Cow<'_, Items>> {
    match change {
        Change::EventPut { .. } | Change::EventDeleted => None,
        Change::RefundDue { .. } | Change::Queue(_) => Some(Cow::Owned(Items::none())),
        Change::WaitlistJoined { items, .. }
        | Change::WaitlistLeft { items, .. }
        | Change::WaitlistCollected { items, .. }
        | Change::HoldOffered { items, .. } => Some(Cow::Borrowed(items)),
        Change::Sold { items, .. }
        | Change::Held { items, .. }
        | Change::Extended { items, .. }
        | Change::PaymentStarted { items, .. }
        | Change::Confirmed { items, .. }
        | Change::Released { items, .. }
        | Change::Expired { items, .. }
        | Change::Refunded { items, .. } => Some(Cow::Borrowed(items)),
    }
}
