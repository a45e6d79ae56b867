//! What can be asked of the engine.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    CustomerId, EventName, EventSettings, Fingerprint, HoldId, Items, PaymentRef, StockName,
};

/// A wish to change something. Ids are chosen by the caller, so that deciding stays deterministic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The id that the command gives to what it makes (hold, reservation or refund).
    pub id: HoldId,
    /// What it asks for.
    pub kind: CommandKind,
}

/// The kinds of commands. As JSON they are what a key's fingerprint is taken of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum CommandKind {
    /// Create an event or set its capacities and settings.
    PutEvent {
        /// Which event.
        event: EventName,
        /// All its stocks with their capacities; a stock that is not named is removed.
        capacities: BTreeMap<StockName, u64>,
        /// Its settings, all of them.
        settings: EventSettings,
        /// Only when the settings' version is this one.
        #[serde(skip_serializing_if = "Option::is_none")]
        if_settings_seq: Option<u64>,
        /// Only when there is no such event; otherwise nothing changes.
        only_create: bool,
    },
    /// Sell at once, with no hold in between.
    Reserve {
        /// Which event.
        event: EventName,
        /// What.
        items: Items,
        /// For whom.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer: Option<CustomerId>,
    },
    /// Take items out of sale for a while.
    Hold {
        /// Which event.
        event: EventName,
        /// What, all or nothing.
        items: Items,
        /// For whom.
        #[serde(skip_serializing_if = "Option::is_none")]
        customer: Option<CustomerId>,
        /// For how long, milliseconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl_ms: Option<u64>,
    },
    /// Keep a hold for `ttl_ms` from now.
    Extend {
        /// Which hold.
        hold: HoldId,
        /// For how long from now, milliseconds.
        ttl_ms: u64,
    },
    /// Sell what a hold holds.
    Confirm {
        /// Which hold.
        hold: HoldId,
        /// The payment behind it.
        #[serde(skip_serializing_if = "Option::is_none")]
        payment_ref: Option<PaymentRef>,
    },
    /// Give a hold back.
    Release {
        /// Which hold.
        hold: HoldId,
    },
    /// Take sold items back.
    Refund {
        /// Which reservation.
        reservation: HoldId,
        /// Which of its items; all that is left when not given.
        #[serde(skip_serializing_if = "Option::is_none")]
        items: Option<Items>,
    },
    /// Write down what has expired by now. Changes no answer: expiry is decided by time.
    Expire {
        /// Which event.
        event: EventName,
    },
}

impl CommandKind {
    /// The fingerprint of what is asked for: equal for a request and its retries.
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

    /// The event it names itself, if it does.
    #[must_use]
    pub fn event(&self) -> Option<&EventName> {
        match self {
            Self::PutEvent { event, .. }
            | Self::Reserve { event, .. }
            | Self::Hold { event, .. }
            | Self::Expire { event } => Some(event),
            Self::Extend { .. }
            | Self::Confirm { .. }
            | Self::Release { .. }
            | Self::Refund { .. } => None,
        }
    }

    /// The hold it is about, if it is about one.
    #[must_use]
    pub fn hold(&self) -> Option<HoldId> {
        match self {
            Self::Extend { hold, .. }
            | Self::Confirm { hold, .. }
            | Self::Release { hold }
            | Self::Refund { reservation: hold, .. } => Some(*hold),
            Self::PutEvent { .. }
            | Self::Reserve { .. }
            | Self::Hold { .. }
            | Self::Expire { .. } => None,
        }
    }

    /// Whether it finishes what was begun before: those go before what begins something new.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        matches!(
            self,
            Self::Extend { .. } | Self::Confirm { .. } | Self::Release { .. } | Self::Expire { .. }
        )
    }

    /// The customer it names, if it names one.
    #[must_use]
    pub fn customer(&self) -> Option<&CustomerId> {
        match self {
            Self::Reserve { customer, .. } | Self::Hold { customer, .. } => customer.as_ref(),
            _ => None,
        }
    }
}
