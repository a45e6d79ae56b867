//! OpenTelemetry traces over OTLP (http/protobuf). Off, and without cost, until [`init_traces`]
//! gets an endpoint.

#[cfg(not(feature = "otlp"))]
mod disabled;
#[cfg(feature = "otlp")]
mod otlp;

#[cfg(not(feature = "otlp"))]
pub use disabled::{ClientSpan, ServerSpan, Traces, init_traces, record_batch_span};
#[cfg(feature = "otlp")]
pub use otlp::{ClientSpan, ServerSpan, Traces, init_traces, record_batch_span};

/// Traces cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum TraceInitError {
    /// The exporter cannot be set up.
    #[cfg(feature = "otlp")]
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// This process has already set up traces.
    #[cfg(feature = "otlp")]
    #[error("traces are already set up")]
    AlreadySet,
    /// An endpoint is configured, but the binary cannot send traces.
    #[cfg(not(feature = "otlp"))]
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: this binary was built without the feature `otlp`")]
    NotBuilt,
}
