//! Checks of the architecture, run by this package's tests.
//!
//! [`dependencies`] reads cargo's graph of packages, [`imports`] the graph of `use` and paths
//! between the files of one crate, [`sources`] the files themselves, [`mutants`] the planted bugs.
//! Each check returns its
//! findings as text, so the tests show on made-up input that it fails when a rule is broken.

pub mod cycles;
pub mod dependencies;
pub mod imports;
pub mod mutants;
pub mod sources;
