//! The architecture holds: dependencies between crates, imports between modules, files.
#![allow(clippy::unwrap_used)]

mod dependencies;
mod files;
mod imports;
mod mutants;
