//! Administration: events, look-ups of reservations, the sales log. Never routed from outside;
//! every call carries a token.

pub mod delete_event;
pub mod get_event;
pub mod put_event;
pub mod reservations;
pub mod sales;
pub mod webhooks;
