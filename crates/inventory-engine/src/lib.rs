//! The engine: any number of callers, and one durable write for all that arrive together.
//!
//! A store that belongs to this process has one committer. A shared store has several writers, and
//! events that do not wait for each other.
#![warn(missing_docs)]

mod committer;
mod end;
mod engine;
mod environment;
mod in_flight;
mod lookup;
mod parts;
mod queue;
mod read;
mod reply_dispatcher;
mod request;
mod shared;
mod stats;
mod submit;
mod trace_context;
mod views;

pub use committer::Committer;
pub use engine::Engine;
pub use environment::Environment;
pub use lookup::{ReservationFilter, ReservationPage};
pub use read::EventSnapshot;
pub use request::{EngineError, Reply, Request};
pub use stats::{BatchStats, Counts, LATENCY_BUCKETS, Latencies, Stats};
pub use trace_context::TraceContext;
