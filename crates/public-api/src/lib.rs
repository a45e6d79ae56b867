//! The calls of buyers and shops: availability, events, holds. ticket and vacancy serve the same
//! handlers, each over its own [`VacancyClient`].
#![warn(missing_docs)]

mod age;
mod at_least;
mod calls;
mod client;
pub mod conditional;
mod queue;
mod reading;
mod state;
mod topics;
mod write;

pub use age::age;
pub use at_least::AtLeast;
pub use calls::{find_event, find_hold, hold_of, is_urgent, router, signed_tickets};
pub use client::{
    BoxFuture, ClientError, Ready, ReservationRequest, TraceHeaders, VacancyClient, WriteRequest,
};
pub use queue::{QueuePass, work::WorkSettings};
pub use reading::{EventReading, EventsPage};
pub use state::{By, PublicSettings, PublicState, Seller};
pub use write::WriteHead;
