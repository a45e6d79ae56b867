//! What must hold after a run.

mod draw;
mod joins;
mod ranks;
mod sales;

pub use draw::{draw_findings, public_turns};
pub use joins::joins;
pub use ranks::{Drawn, ranks};
pub use sales::sales;
