//! Administration: events, refunds, look-ups, the sales log. Never routed from outside; every call
//! carries the admin token.

pub mod delete_event;
pub mod get_event;
pub mod put_event;
pub mod refund;
pub mod reservations;
pub mod sales;
