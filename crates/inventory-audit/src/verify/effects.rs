//! What a record does to its hold and customer.

use std::borrow::Cow;

use inventory::{
    domain::{CustomerId, Hold, HoldId, Items},
    ledger::{Change, Record},
};

use super::violation::ViolationKind;

/// How things were before a record.
pub struct Before {
    /// The hold it is about.
    pub hold: Option<Hold>,
    /// Whether the customer of that hold would have more than the event allows if the hold had its
    /// items again. Only known for a record of a refund that is due.
    pub is_over_limit: bool,
}

/// The effects of a record on its hold and customer.
pub struct Effects {
    /// The hold as it is afterwards.
    pub hold: Option<Hold>,
    /// Whose it is, and by how much more or less that customer has.
    pub customer: Option<(CustomerId, i128)>,
}

pub fn with_customer(hold: Hold, more: i128) -> Effects {
    let customer = hold.customer.clone().map(|customer| (customer, more));
    Effects { hold: Some(hold), customer }
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
        Change::RefundDue { .. } => Some(Cow::Owned(Items::none())),
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
