//! Tools of the tests of real faults: a traced process, proxies that break connections or duplicate
//! requests, a network with impairments.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod duplicating_proxy;
mod netem;
mod proxy;
mod requirements;
mod traced;

pub use duplicating_proxy::DuplicatingProxy;
pub use netem::{Impairment, Netem, Packets};
pub use proxy::{Cut, Proxy};
pub use requirements::require;
pub use traced::{Traced, Tracer};
