//! What the tests of real faults share: a traced process and a proxy that breaks connections.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod proxy;
mod requirements;
mod traced;

pub use proxy::{Cut, Proxy};
pub use requirements::require;
pub use traced::{Traced, Tracer};
