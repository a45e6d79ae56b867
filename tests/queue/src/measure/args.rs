//! What is measured.

use clap::Args;

use crate::target::Places;

#[derive(Args)]
pub struct MeasureArgs {
    #[command(flatten)]
    pub places: Places,
    /// Measurements of joins and of reservations
    #[arg(long, default_value_t = 3)]
    pub rounds: u32,
    /// Seconds of each
    #[arg(long, default_value_t = 4.0)]
    pub seconds: f64,
    /// Connections that join and reserve
    #[arg(long, default_value_t = 256)]
    pub connections: usize,
    /// Streams that are open at once; 0 measures none
    #[arg(long, default_value_t = 10_000)]
    pub streams: usize,
}
