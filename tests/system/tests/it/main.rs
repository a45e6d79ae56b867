//! The binaries as users meet them.
#![allow(clippy::unwrap_used)]

mod admin;
mod backup;
mod buy;
mod contract;
mod crash;
mod events;
mod fingerprint;
mod holds;
mod idempotency;
mod ledger;
mod link;
mod migrate;
mod modes;
mod pages;
mod postgres;
mod sellout;
mod settings;
mod shutdown;
mod traces;
mod verify;
