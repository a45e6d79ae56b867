//! The crate as services use it: through real sockets.

mod support;

mod connections;
mod docs;
mod extract;
mod half_close;
mod health;
mod http2;
mod message_rules;
mod metrics;
mod middleware;
mod negotiation;
mod quota;
mod settings;
mod shutdown;
