//! The crate as services use it: through real sockets.

mod support;

mod connections;
mod docs;
mod extract;
mod health;
mod http2;
mod metrics;
mod middleware;
mod quota;
mod settings;
mod shutdown;
