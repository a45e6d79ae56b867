//! The crate as services use it: through real sockets.

mod support;

mod config;
mod connections;
mod docs;
mod edge;
mod extract;
mod health;
mod http2;
mod metrics;
mod quota;
mod shutdown;
