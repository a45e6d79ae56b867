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

/// Whether the API server refused to create an object because its namespace is being deleted.
/// Nothing can be created there any more, and everything in it is about to go.
pub fn is_namespace_terminating(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let mut causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 403 && causes.any(|cause| cause.reason == "NamespaceTerminating")
}
