//! Checking, copying and moving ledgers: verification with code of its own, backup, restore, and
//! migration to a database.
#![warn(missing_docs)]

pub mod transfer;
pub mod verify;
