//! The system under injected faults, in an order that a seed decides.
//!
//! The engine, the HTTP calls of both services with their middleware, and ticket's client of
//! vacancy (batches, circuit breaker, retries) are the real ones. Their surroundings are simulated:
//! the network ([turmoil](https://docs.rs/turmoil): latency, loss, partitions, broken connections),
//! the [`disk`] (lost, torn and failed writes, failed syncs), the [`clock`] (jumps), a [`relay`]
//! between the services that may deliver a request twice, and the end of each process at any
//! moment. Buyers repeat a request without a response with the same key, and sometimes send it
//! twice at once. [`visitor`]s join a waiting room with a draw, whose real controller calls them.
//! In the end the [`checker`] compares every response with the ledger on the disk.

pub mod buyer;
pub mod clock;
pub mod crowd;
pub mod disk;
pub mod http_client;
pub mod nemesis;
pub mod network;
mod outcome;
pub mod progress;
pub mod purchase;
pub mod relay;
pub mod room;
mod run;
pub mod scenario;
pub mod store;
pub mod ticket;
pub mod vacancy;
pub mod visitor;

pub use outcome::{CallStats, Failure, Outcome};
pub use run::run;
pub use scenario::Scenario;
