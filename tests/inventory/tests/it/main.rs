//! Tests of the engine through its public face.
#![allow(clippy::unwrap_used)]

mod bounds;
mod conformance;
mod embedded;
mod engine;
mod late;
mod lookup;
mod model;
mod model_test;
mod money;
mod postgres;
mod queue;
mod shared;
mod support;
mod tls;
mod transfer;
mod verify;
mod waitlist;
