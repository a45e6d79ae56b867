//! Metrics, events, logs and liveness of the operator itself.

mod api_calls;
pub mod events;
pub mod logs;
mod metrics;
mod progress;
mod ready_probe;

pub use api_calls::ApiCalls;
pub use metrics::{Metrics, SystemCounts};
pub use progress::Progress;
pub use ready_probe::HttpProbe;

/// The message of an error of the API server, without the rest of its response.
pub fn error_message(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => other.to_string(),
    }
}
