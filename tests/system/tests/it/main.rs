//! The real binaries, through real sockets.
#![allow(clippy::unwrap_used)]

mod admin;
mod backup;
mod backup_stream;
mod bad_settings;
mod buy;
mod check;
mod conditional;
mod contract;
mod crash;
mod delete_event;
mod events;
mod export;
mod fingerprint;
mod guessing;
mod holds;
mod idempotency;
mod ledger;
mod limits;
mod log_streams;
mod lost_store;
mod migrate;
mod modes;
mod open_files;
mod pages;
mod postgres;
mod secrets;
mod sellout;
mod settings;
mod shutdown;
mod strict;
mod tokens;
mod traces;
mod vacancy_client;
mod verify;
