//! Administration: events, the sales log, webhooks. Never routed from outside; every call carries
//! the admin token.

pub mod delete_event;
pub mod get_event;
pub mod put_event;
pub mod queue;
pub mod sales;
pub mod webhooks;
