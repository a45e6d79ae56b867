//! What the binary does, a file per subcommand.

pub mod crd;
pub mod diff;
pub mod run;
