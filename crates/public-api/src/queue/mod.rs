//! What the calls of waiting rooms share: tokens, joins that travel together, and draws.

mod draws;
mod joins;
mod tokens;
pub mod work;

pub use draws::Draws;
pub use joins::Joins;
pub use tokens::{PlaceToken, QueuePass, QueuePlace};
