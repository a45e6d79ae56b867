//! Delivers the ledger to receivers that its users run: signed (Standard Webhooks), in the order of
//! each event, at least once.
//!
//! The outbox is the ledger itself. Each [`Endpoint`] has a durable cursor per event, and one
//! process at a time delivers to it ([`WebhookStore`](inventory_store::WebhookStore)).
#![warn(missing_docs)]

mod address;
mod deliverer;
mod endpoint;
mod manager;
mod message;
mod metrics;
mod secret;
mod sender;
mod settings;
mod state;

pub use endpoint::{Endpoint, EndpointError};
pub use manager::{Manager, Webhooks};
pub use message::{Message, MessageError};
pub use secret::{Secret, SecretError};
pub use sender::SendError;
pub use settings::WebhookSettings;
pub use state::DeliveryState;
