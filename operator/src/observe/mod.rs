//! What the operator tells about itself: metrics, events, the API calls it makes, and whether it is
//! getting anywhere.

pub mod api_calls;
pub mod events;
pub mod logs;
mod metrics;
mod progress;
mod ready_probe;

pub use metrics::Metrics;
pub use progress::Progress;
pub use ready_probe::HttpProbe;

/// An error of the API server in its own words, without the rest of its answer.
pub fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    }
}
