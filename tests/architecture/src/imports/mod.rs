//! Imports between the files of one crate.
//!
//! [`load`] parses a crate from its root file. [`Crate::edges`] follows `use` declarations and
//! paths to the file that defines their target. A re-export is not an import: a path through
//! `pub use child::Item` leads to the child. A file that only declares modules and re-exports is
//! therefore not in the graph. Modules and items under `#[cfg(test)]` do not count.

mod collect;
mod graph;
mod parse;
mod resolve;
mod tree;

pub use parse::{ImportError, load};
pub use tree::Crate;

#[cfg(test)]
mod tests;
