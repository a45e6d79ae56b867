//! The outcome of the command behind a record.

use super::{Change, QueueChange, Record};
use crate::domain::Outcome;

impl Record {
    /// The outcome of the command behind this change.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match &self.change {
            Change::EventPut { .. } => {
                Outcome::EventPut { created: self.seq == 1, settings_seq: self.seq }
            }
            Change::EventDeleted => Outcome::EventDeleted,
            Change::Sold { id, items, total, .. } => Outcome::Sold {
                id: *id,
                items: items.clone(),
                left: self.left.clone(),
                total: *total,
            },
            Change::Held { id, items, expires_at_ms, total, .. } => Outcome::Held {
                id: *id,
                items: items.clone(),
                expires_at_ms: *expires_at_ms,
                total: *total,
            },
            Change::PaymentStarted { id, items, expires_at_ms, payment_ref } => {
                Outcome::PaymentStarted {
                    id: *id,
                    items: items.clone(),
                    expires_at_ms: *expires_at_ms,
                    payment_ref: payment_ref.clone(),
                }
            }
            Change::RefundDue { .. } => Outcome::RefundDue,
            Change::Extended { id, items, expires_at_ms } => {
                Outcome::Extended { id: *id, items: items.clone(), expires_at_ms: *expires_at_ms }
            }
            Change::Confirmed { id, items, payment_ref, .. } => Outcome::Confirmed {
                id: *id,
                items: items.clone(),
                payment_ref: payment_ref.clone(),
            },
            Change::Released { .. } => Outcome::Released,
            Change::Refunded { id, reservation, items } => {
                Outcome::Refunded { id: *id, reservation: *reservation, items: items.clone() }
            }
            Change::Expired { .. } => Outcome::ExpiryNoted,
            Change::WaitlistJoined { id, items, .. } => {
                Outcome::Waiting { id: *id, items: items.clone() }
            }
            Change::WaitlistLeft { .. } => Outcome::Released,
            Change::WaitlistCollected { .. } | Change::HoldOffered { .. } => Outcome::ExpiryNoted,
            Change::Queue(QueueChange::PassClaimed(claimed)) => {
                Outcome::PassClaimed { pass: claimed.pass, expires_at_ms: claimed.expires_at_ms }
            }
            Change::Queue(_) => Outcome::QueueAdvanced,
        }
    }
}
