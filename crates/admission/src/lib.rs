//! How many places of a queue to call, and how fast.
//!
//! - [`slots`] counts customers: as many may shop at once as are needed to take the tickets left,
//!   at most the event's `active_max`.
//! - [`Pace`] counts calls per second: as many as the servers bear, found by additive increase and
//!   multiplicative decrease.
//!
//! A scheduler asks `slots` for the number to call, cuts it with [`Admission::paced`], and takes
//! what it calls with [`Pace::take`]. The crate is pure: without I/O, clock or randomness.
#![warn(missing_docs)]

mod pace;
mod slots;

pub use pace::{BURST_MS, COOLDOWN_MS, Health, Pace, PaceReason, PaceSettings, SAMPLES_MIN};
pub use slots::{
    Admission, Bound, CALLS_PER_PASS, CLAIM_PRIOR, CUSTOMERS_MIN, OVERCALL_MAX, PASS_PRIOR,
    STOCK_FACTOR, Slots, TICKETS_PRIOR, slots,
};
