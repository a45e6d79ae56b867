//! What the operator tells about itself: metrics, events, the API calls it makes, and whether it is getting anywhere.

pub mod api_calls;
pub mod events;
pub mod logs;
mod metrics;
mod progress;
mod ready_probe;

pub use metrics::Metrics;
pub use progress::Progress;
pub use ready_probe::HttpProbe;
