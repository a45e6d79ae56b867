//! The same functions where the export of traces is not built in.

use std::{convert::Infallible, time::Duration};

use http::HeaderValue;

use super::TraceInitError;
use crate::{MethodLabel, SpanRef, TraceSettings};

/// Nothing to send.
#[must_use]
pub struct Traces;

impl Traces {
    /// Does nothing.
    pub fn flush(self) {}
}

/// Refuses an endpoint.
///
/// # Errors
/// [`TraceInitError::NotBuilt`] when there is one.
pub fn init_traces(
    settings: &TraceSettings,
    _service: &'static str,
    _version: &'static str,
) -> Result<Traces, TraceInitError> {
    match settings.otlp_endpoint {
        Some(_) => Err(TraceInitError::NotBuilt),
        None => Ok(Traces),
    }
}

/// Never begins.
pub struct ServerSpan(Infallible);

impl ServerSpan {
    /// Always `None`.
    #[must_use]
    pub fn start(_: MethodLabel, _: &str, _: Option<&HeaderValue>) -> Option<Self> {
        None
    }

    /// The span's ids.
    #[must_use]
    pub fn reference(&self) -> Option<SpanRef> {
        match self.0 {}
    }

    /// The header value for outgoing calls.
    #[must_use]
    pub fn traceparent(&self) -> Option<HeaderValue> {
        match self.0 {}
    }

    /// Ends the span.
    pub fn end(self, _status: u16, _request_id: &str) {
        match self.0 {}
    }
}

/// Never begins.
pub struct ClientSpan(Infallible);

impl ClientSpan {
    /// Always `None`.
    pub fn start<'a>(
        _: &'static str,
        _: impl Iterator<Item = Option<&'a HeaderValue>>,
    ) -> Option<Self> {
        None
    }

    /// The header value for the call.
    #[must_use]
    pub fn traceparent(&self) -> Option<HeaderValue> {
        match self.0 {}
    }

    /// Ends the span.
    pub fn end(self, _purchases: usize, _failure: Option<&'static str>) {
        match self.0 {}
    }
}

/// Does nothing.
pub fn record_batch_span(
    _: &'static str,
    _: impl Iterator<Item = SpanRef>,
    _: Duration,
    _commands: usize,
) {
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_refused_and_not_ignored() {
        let mut settings: TraceSettings = config::defaults();
        assert!(init_traces(&settings, "test", "0").is_ok());
        settings.otlp_endpoint = Some("http://collector:4318".to_owned());
        let error = init_traces(&settings, "test", "0").err().expect("refused").to_string();
        assert!(error.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: "), "{error}");
    }
}
