//! Administration: events, refunds, the sales log. Never routed from outside; every call carries
//! the admin token.

pub mod put_event;
pub mod refund;
pub mod sales;
