//! One system has one operator. An operator claims a system in its status, and leaves a system
//! alone that another operator has claimed.
//!
//! A claim needs no renewal while nobody disputes it, so many systems cause no writes. Another
//! operator that wants to know whether the holder still runs adds a challenge to the claim, of one
//! system per namespace. The holder answers by removing the challenge. A challenge that stays
//! unanswered for the lease duration of the claim, on the clock of the operator that observes it,
//! shows that the holder is gone. Every write of a claim names the version of the resource it was
//! decided on, so that of two operators only one succeeds.

mod decision;
mod hold;
mod installation;
mod write;

pub(super) use decision::Rivals;
pub(super) use hold::{Claimed, hold};
pub(super) use installation::Installation;
