//! Tests of the engine through its public face.
#![allow(clippy::unwrap_used)]

mod embedded;
mod engine;
mod model;
mod model_test;
mod shared;
mod support;
mod transfer;
