//! The calls of waiting lists.

pub mod join;
pub mod leave;
