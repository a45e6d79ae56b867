//! What the tests of real faults share: a traced process, proxies that break connections or deliver
//! twice, a cable between namespaces.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod cable;
mod doubler;
mod proxy;
mod requirements;
mod traced;

pub use cable::{Cable, Packets, Weather};
pub use doubler::Doubler;
pub use proxy::{Cut, Proxy};
pub use requirements::require;
pub use traced::{Traced, Tracer};
