//! The subcommands of the binary, one file each.

pub mod crd;
pub mod diff;
pub mod rotate_signing_keys;
pub mod run;
pub mod values_schema;
