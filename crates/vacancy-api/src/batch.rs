//! Many calls of ticket in one: each with its own key, deadline and answer.

use draw::Leaf;
use http_server::problem::ProblemDetails;
use inventory::{CustomerId, EventName, HoldId, IdempotencyKey, PaymentRef};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    answer::Answer,
    frame::EventFrame,
    hold::{Hold, ItemRequest},
    money::Money,
    queue::{LeavesPage, PassEntry, PlaceReading},
    reservation::ReservationList,
    reserve::{BatchItem, SlotProblem},
    text,
};

/// What an entry asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Sell `qty` of stock `general` of `event`.
    Reserve,
    /// Hold `items` of `event` for `ttl_s`.
    Hold,
    /// Keep hold `id` for `ttl_s`.
    Extend,
    /// Keep hold `id` while `payment_ref` is paid.
    StartPayment,
    /// Sell the items of hold `id`.
    Confirm,
    /// Release hold `id`.
    Release,
    /// Refund `items` of reservation `id`.
    Refund,
    /// Read hold `id`.
    ReadHold,
    /// Read `event`, not from a cache.
    ReadEvent,
    /// Read at most `limit` reservations of `customer`, `payment_ref` and `event`, older than `id`.
    ReadReservations,
    /// Wait for `items` of `event`.
    JoinWaitlist,
    /// Remove entry `id` from the waiting list.
    LeaveWaitlist,
    /// Join waiting room `queue` of `event` with `leaves`.
    JoinQueue,
    /// Claim the pass of the place in `leaves`, of waiting room `queue` of `event`.
    ClaimPass,
    /// Read the place in `leaves` of `event`.
    ReadPlace,
    /// Read places of the waiting room of `event` from record `after` on.
    ReadLeaves,
}

impl Operation {
    /// Whether it finishes what began earlier. Such entries go before new ones.
    #[must_use]
    pub fn is_urgent(self) -> bool {
        matches!(
            self,
            Self::Extend | Self::StartPayment | Self::Confirm | Self::Release | Self::LeaveWaitlist
        )
    }
}

/// One entry of a batch. The members that its operation needs are required, and the others are
/// refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchEntry {
    /// What is asked for.
    pub op: Operation,
    /// The hold or reservation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub id: Option<HoldId>,
    /// The event; `default` when omitted in a sale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, pattern = r"^[a-z0-9][a-z0-9_.-]*$")]
    pub event: Option<EventName>,
    /// The quantity of a sale, from 1 to MAX_QTY.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 2)]
    pub qty: Option<u64>,
    /// The items of a hold or a refund.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1)]
    pub items: Option<Vec<ItemRequest>>,
    /// The customer of a sale or a hold.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text::customer")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub customer: Option<CustomerId>,
    /// The lifetime of a hold in seconds, from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub ttl_s: Option<u64>,
    /// The payment of a confirmation, or the one that starts.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "text::payment_ref"
    )]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 128)]
    pub payment_ref: Option<PaymentRef>,
    /// What was paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Entries of a page, from 1 to MAX_PAGE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub limit: Option<usize>,
    /// The waiting room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<u64>,
    /// Places of the waiting room: 32 bytes each, base64url.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>, min_items = 1)]
    pub leaves: Option<Vec<Leaf>>,
    /// The pass that a sale or hold of an event with a waiting room needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<PassEntry>,
    /// The record after which a page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// The key that makes a retry safe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = r"^[ -~]+$")]
    pub key: Option<IdempotencyKey>,
    /// The seller asks. The call needs the seller's token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub seller: bool,
    /// Milliseconds from the arrival of the call that the caller waits. The service drops the
    /// entry after this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

impl BatchEntry {
    /// An entry that asks for `op`, without any other member.
    #[must_use]
    pub fn new(op: Operation) -> Self {
        Self {
            op,
            id: None,
            event: None,
            qty: None,
            items: None,
            customer: None,
            ttl_s: None,
            payment_ref: None,
            amount: None,
            limit: None,
            queue: None,
            leaves: None,
            pass: None,
            after: None,
            key: None,
            seller: false,
            timeout_ms: None,
        }
    }
}

impl From<BatchItem> for BatchEntry {
    fn from(item: BatchItem) -> Self {
        let BatchItem { qty, key, event, customer, seller, timeout_ms } = item;
        Self {
            event,
            qty: Some(qty),
            customer,
            key: Some(key),
            seller,
            timeout_ms,
            ..Self::new(Operation::Reserve)
        }
    }
}

/// The response to one entry: the body of the call that asks for the same.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum EntryAnswer {
    /// A decision.
    Decided(Answer),
    /// A hold.
    Hold(Box<Hold>),
    /// An event.
    Event(Box<EventFrame>),
    /// A page of reservations.
    Reservations(ReservationList),
    /// A place.
    Place(PlaceReading),
    /// Places of a waiting room.
    Leaves(LeavesPage),
    /// Refused or failed.
    #[schema(value_type = ProblemDetails)]
    Problem(SlotProblem),
}

/// The responses to a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchAnswer {
    /// One response per entry, in the order of the entries.
    pub answers: Vec<EntryAnswer>,
    /// The events that the entries were about, as they are after all of them.
    pub events: Vec<EventFrame>,
}
