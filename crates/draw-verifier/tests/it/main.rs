//! The verifier against ledgers and documents that the tests write with their own code.
#![allow(clippy::unwrap_used)]

mod builder;
mod honest;
mod mutation;
mod oracle;
mod public;
mod reader;
mod scale;
mod settings;
mod tampering_draw;
mod tampering_sales;
mod vectors;
