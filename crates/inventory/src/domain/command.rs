//! The commands of the engine.

use std::collections::BTreeMap;

use draw::{Leaf, Seed, Threshold};
use serde::Serialize;

use super::{
    CustomerId, DrawCommitment, EventName, EventSettings, Fingerprint, HoldId, IdempotencyKey,
    Items, Money, PaymentRef, StockName,
};

/// A request for a change. The caller chooses the id, so that deciding stays deterministic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The id of the hold, reservation or refund that the command creates.
    pub id: HoldId,
    /// The kind of the command, with its arguments.
    pub kind: CommandKind,
}

/// The pass that a caller shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PassUse {
    /// The place that claimed it.
    pub leaf: Leaf,
    /// The pass.
    pub pass: HoldId,
    /// The waiting room.
    pub queue: u64,
}

/// The kinds of commands. The fingerprint of a key is computed over their JSON form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum CommandKind {
    /// Create an event or set its capacities and settings.
    PutEvent {
        /// The event.
        event: EventName,
        /// All its stocks with their capacities; a stock that is not named is removed.
        capacities: BTreeMap<StockName, u64>,
        /// Its settings, all of them.
        settings: EventSettings,
        /// Only when the settings' version is this one.
        #[serde(skip_serializing_if = "Option::is_none")]
        if_settings_seq: Option<u64>,
        /// Only create: an existing event is not changed.
        only_create: bool,
        /// What a draw that begins with this commits to. No part of the intent: it is random.
        #[serde(skip)]
        draw: Option<Box<DrawCommitment>>,
    },
    /// Delete an event of which nothing is held or sold.
    DeleteEvent {
        /// The event.
        event: EventName,
        /// Only when the settings' version is this one.
        #[serde(skip_serializing_if = "Option::is_none")]
        if_settings_seq: Option<u64>,
    },
    /// Sell at once, with no hold in between.
    Reserve {
        /// The event.
        event: EventName,
        /// The items.
        items: Items,
        /// The customer.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer: Option<CustomerId>,
        /// The seller asks. No part of the intent: a retry may carry another token.
        #[serde(skip)]
        by_seller: bool,
        /// The pass of an event with a waiting room.
        #[serde(skip_serializing_if = "Option::is_none")]
        pass: Option<Box<PassUse>>,
    },
    /// Take items out of sale for a while.
    Hold {
        /// The event.
        event: EventName,
        /// The items, all or none.
        items: Items,
        /// The customer.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer: Option<CustomerId>,
        /// For how long, milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl_ms: Option<u64>,
        /// The pass of an event with a waiting room.
        #[serde(skip_serializing_if = "Option::is_none")]
        pass: Option<Box<PassUse>>,
    },
    /// Keep a hold for `ttl_ms` from now.
    Extend {
        /// The hold.
        hold: HoldId,
        /// For how long from now, milliseconds.
        ttl_ms: u64,
    },
    /// Keep a hold for the time of a payment, once.
    StartPayment {
        /// The hold.
        hold: HoldId,
        /// The payment.
        payment_ref: PaymentRef,
    },
    /// Sell the items of a hold.
    Confirm {
        /// The hold.
        hold: HoldId,
        /// The payment.
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_ref: Option<PaymentRef>,
        /// What was paid; it must be the hold's total.
        #[serde(skip_serializing_if = "Option::is_none")]
        amount: Option<Money>,
        /// The seller asks. No part of the intent: a retry may carry another token.
        #[serde(skip)]
        by_seller: bool,
    },
    /// Give a hold back.
    Release {
        /// The hold.
        hold: HoldId,
    },
    /// Take sold items back.
    Refund {
        /// The reservation.
        reservation: HoldId,
        /// Its items to refund; all that remain when not given.
        #[serde(skip_serializing_if = "Option::is_none")]
        items: Option<Items>,
    },
    /// Write due expiries, and the freeze of a draw. Changes no reply: both are decided by time.
    Expire {
        /// The event.
        event: EventName,
    },
    /// Join a waiting room: a place for each leaf that has none yet. The leaves are independent:
    /// one that cannot join does not keep others from joining, or from their places. Refused
    /// when no leaf gets a place.
    JoinQueue {
        /// The event.
        event: EventName,
        /// The waiting room, for which the leaves were made.
        queue: u64,
        /// The leaves, at most [`super::Limits::joins_max`].
        leaves: Vec<Leaf>,
    },
    /// Claim the pass of a called place, once.
    ClaimPass {
        /// The event.
        event: EventName,
        /// The waiting room.
        queue: u64,
        /// The place.
        leaf: Leaf,
    },
    /// Reveal the seed of a draw that is frozen.
    RevealDraw {
        /// The event.
        event: EventName,
        /// The waiting room.
        queue: u64,
        /// The seed.
        seed: Seed,
        /// The signature of the beacon's round; none when it could not be had.
        beacon: Option<Vec<u8>>,
    },
    /// Call the next places.
    CallPlaces {
        /// The event.
        event: EventName,
        /// The waiting room.
        queue: u64,
        /// The last turn called so far, as the caller knows it: of two who call, one does.
        from: u64,
        /// The last turn to call.
        serving: u64,
        /// The last of the draw's places with these turns.
        upto: Option<Threshold>,
    },
    /// Wait for items that return.
    JoinWaitlist {
        /// The event.
        event: EventName,
        /// The items, all or none.
        items: Items,
        /// The customer.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer: Option<CustomerId>,
    },
    /// Leave the waiting list.
    LeaveWaitlist {
        /// The entry, which becomes a hold when it is offered its items.
        hold: HoldId,
    },
    /// Stop calling places, or go on.
    PauseQueue {
        /// The event.
        event: EventName,
        /// Whether to stop.
        paused: bool,
    },
}

impl CommandKind {
    /// The fingerprint of the intent: equal for a request and its retries.
    ///
    /// # Panics
    /// Never: names, numbers and lists of them always have a JSON form.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        match serde_json::to_vec(self) {
            Ok(intent) => Fingerprint::of(&intent),
            Err(error) => unreachable!("a command always has a JSON form: {error}"),
        }
    }

    /// `key` in the scope of this call and its caller, which is how the ledger and the stores know
    /// it: the same text from another customer, for another hold or with another call is another
    /// key. Sales that name no customer share one scope; their keys stay as they are.
    #[must_use]
    pub fn scoped(&self, key: &IdempotencyKey) -> IdempotencyKey {
        match self {
            Self::Reserve { customer: Some(customer), .. } => {
                key.in_scope(&format!("sale\n{customer}"))
            }
            Self::Hold { customer, .. } => {
                let customer = customer.as_ref().map_or("", CustomerId::as_str);
                key.in_scope(&format!("hold\n{customer}"))
            }
            // The id of a hold is known to its owner alone.
            Self::Extend { hold, .. } => key.in_scope(&format!("extend\n{hold}")),
            Self::StartPayment { hold, .. } => key.in_scope(&format!("payment\n{hold}")),
            Self::Confirm { hold, .. } => key.in_scope(&format!("confirm\n{hold}")),
            Self::Refund { .. } => key.in_scope("refund\nadmin"),
            Self::JoinWaitlist { customer, .. } => {
                let customer = customer.as_ref().map_or("", CustomerId::as_str);
                key.in_scope(&format!("waitlist\n{customer}"))
            }
            Self::Reserve { customer: None, .. }
            | Self::PutEvent { .. }
            | Self::DeleteEvent { .. }
            | Self::Release { .. }
            | Self::Expire { .. }
            | Self::JoinQueue { .. }
            | Self::ClaimPass { .. }
            | Self::RevealDraw { .. }
            | Self::CallPlaces { .. }
            | Self::PauseQueue { .. }
            | Self::LeaveWaitlist { .. } => key.in_scope(""),
        }
    }

    /// The event it names itself, if it does.
    #[must_use]
    pub fn event(&self) -> Option<&EventName> {
        match self {
            Self::PutEvent { event, .. }
            | Self::DeleteEvent { event, .. }
            | Self::Reserve { event, .. }
            | Self::Hold { event, .. }
            | Self::Expire { event }
            | Self::JoinQueue { event, .. }
            | Self::ClaimPass { event, .. }
            | Self::RevealDraw { event, .. }
            | Self::CallPlaces { event, .. }
            | Self::PauseQueue { event, .. }
            | Self::JoinWaitlist { event, .. } => Some(event),
            Self::Extend { .. }
            | Self::StartPayment { .. }
            | Self::Confirm { .. }
            | Self::Release { .. }
            | Self::Refund { .. }
            | Self::LeaveWaitlist { .. } => None,
        }
    }

    /// The hold it is about, if it is about one.
    #[must_use]
    pub fn hold(&self) -> Option<HoldId> {
        match self {
            Self::Extend { hold, .. }
            | Self::StartPayment { hold, .. }
            | Self::Confirm { hold, .. }
            | Self::Release { hold }
            | Self::Refund { reservation: hold, .. }
            | Self::LeaveWaitlist { hold } => Some(*hold),
            Self::PutEvent { .. }
            | Self::DeleteEvent { .. }
            | Self::Reserve { .. }
            | Self::Hold { .. }
            | Self::Expire { .. }
            | Self::JoinQueue { .. }
            | Self::ClaimPass { .. }
            | Self::RevealDraw { .. }
            | Self::CallPlaces { .. }
            | Self::PauseQueue { .. }
            | Self::JoinWaitlist { .. } => None,
        }
    }

    /// Whether it finishes a hold: such commands go before those that take new items.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        matches!(
            self,
            Self::Extend { .. }
                | Self::StartPayment { .. }
                | Self::Confirm { .. }
                | Self::Release { .. }
                | Self::LeaveWaitlist { .. }
                | Self::Expire { .. }
                | Self::RevealDraw { .. }
                | Self::CallPlaces { .. }
                | Self::PauseQueue { .. }
        )
    }

    /// The leaves of the places that it reads.
    #[must_use]
    pub fn leaves(&self) -> &[Leaf] {
        match self {
            Self::JoinQueue { leaves, .. } => leaves,
            Self::ClaimPass { leaf, .. } => std::slice::from_ref(leaf),
            Self::Reserve { pass: Some(pass), .. } | Self::Hold { pass: Some(pass), .. } => {
                std::slice::from_ref(&pass.leaf)
            }
            _ => &[],
        }
    }

    /// The customer it names, if it names one.
    #[must_use]
    pub fn customer(&self) -> Option<&CustomerId> {
        match self {
            Self::Reserve { customer, .. }
            | Self::Hold { customer, .. }
            | Self::JoinWaitlist { customer, .. } => customer.as_ref(),
            _ => None,
        }
    }
}
