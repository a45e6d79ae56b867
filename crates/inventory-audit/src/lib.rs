//! Verification, backup, restore and migration of ledgers. Verification shares no code with the
//! rules.
#![warn(missing_docs)]

pub mod transfer;
pub mod verify;
