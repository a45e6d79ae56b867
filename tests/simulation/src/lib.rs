//! The system in a world where everything that can go wrong does, in an order that a seed decides.
//!
//! The engine, the HTTP calls of both services with their edge, and ticket's way to vacancy
//! (gathering, batches, breaker, repetitions) are the real ones. Simulated is what surrounds them:
//! the network ([turmoil](https://docs.rs/turmoil): latency, loss, partitions, broken connections), the [`disk`] (writes that are lost, torn or fail, syncs
//! that fail), the [`clock`] (jumps), a [`relay`] between the services that may deliver a request
//! twice, and the end of each process at any moment. Buyers repeat what got no answer with the same
//! key, and now and then send it twice at once. At the end the [`checker`] holds every answer
//! against the ledger that is on the disk.

pub mod buyer;
pub mod clock;
pub mod disk;
pub mod link;
pub mod nemesis;
pub mod network;
pub mod purchase;
pub mod relay;
pub mod store;
pub mod ticket;
pub mod vacancy;
pub mod world;

pub use world::{Failure, Outcome, Scenario, run};
