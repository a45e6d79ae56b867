//! Traces through the OpenTelemetry SDK.

use std::{
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use http::HeaderValue;
use opentelemetry::{
    Context, KeyValue,
    trace::{
        Link, Span as _, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags,
        TraceId, TraceState, Tracer as _, TracerProvider as _,
    },
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider, Span},
};

use super::TraceInitError;
use crate::{MethodLabel, SpanRef, TraceSettings};

/// Maximum number of links of one span.
const LINKS_MAX: usize = 128;

static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Sends the remaining spans when it is [flushed](Self::flush).
#[must_use]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends the remaining spans and shuts the exporter down. Blocks for at most 3 s.
    pub fn flush(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown_with_timeout(Duration::from_secs(3))
        {
            tracing::warn!(%error, "failed to send the last traces");
        }
    }
}

/// Sends the spans of `service` from now on, if an endpoint is configured.
///
/// # Errors
/// [`TraceInitError`].
pub fn init_traces(
    settings: &TraceSettings,
    service: &'static str,
    version: &'static str,
) -> Result<Traces, TraceInitError> {
    let Some(endpoint) = &settings.otlp_endpoint else { return Ok(Traces(None)) };
    let url = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(url)
        .with_timeout(Duration::from_secs(5))
        .build()?;
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.version", version))
        .build();
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
            settings.sampled_share,
        ))))
        .with_resource(resource)
        .build();
    TRACER.set(provider.tracer("ticket-system")).map_err(|_| TraceInitError::AlreadySet)?;
    tracing::info!("trace export started");
    Ok(Traces(Some(provider)))
}

/// The span of a request that this service handles.
pub struct ServerSpan(Span);

impl ServerSpan {
    /// Starts a span as a child of the caller's; `None` while traces are off.
    #[must_use]
    pub fn start(method: MethodLabel, route: &str, parent: Option<&HeaderValue>) -> Option<Self> {
        let tracer = TRACER.get()?;
        let method = method.as_str();
        let builder = tracer.span_builder(format!("{method} {route}")).with_kind(SpanKind::Server);
        let builder = builder.with_attributes([
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.route", route.to_owned()),
        ]);
        Some(Self(tracer.build_with_context(builder, &context(parent.and_then(parse)))))
    }

    /// The ids of the span; `None` when it is not sampled.
    #[must_use]
    pub fn reference(&self) -> Option<SpanRef> {
        let context = self.0.span_context();
        context.is_sampled().then(|| reference(context))
    }

    /// The header value for outgoing calls.
    #[must_use]
    pub fn traceparent(&self) -> Option<HeaderValue> {
        traceparent(self.0.span_context())
    }

    /// Ends the span with the status of the response.
    pub fn end(mut self, status: u16, request_id: &str) {
        self.0.set_attribute(KeyValue::new("http.response.status_code", i64::from(status)));
        self.0.set_attribute(KeyValue::new(
            "http.request.header.x-request-id",
            request_id.to_owned(),
        ));
        if status >= 500 {
            self.0.set_status(Status::error(status.to_string()));
        }
        self.0.end();
    }
}

/// The span of a call to another service, on behalf of several requests.
pub struct ClientSpan(Span);

impl ClientSpan {
    /// Starts a span as a child of the first span of `requests`, with links to the others; `None`
    /// while traces are off.
    pub fn start<'a>(
        name: &'static str,
        requests: impl Iterator<Item = Option<&'a HeaderValue>>,
    ) -> Option<Self> {
        let tracer = TRACER.get()?;
        let mut spans = requests.flatten().filter_map(parse);
        let parent = spans.next();
        let links = spans.take(LINKS_MAX).map(Link::with_context).collect();
        let builder = tracer.span_builder(name).with_kind(SpanKind::Client).with_links(links);
        Some(Self(tracer.build_with_context(builder, &context(parent))))
    }

    /// The header value for the call.
    #[must_use]
    pub fn traceparent(&self) -> Option<HeaderValue> {
        traceparent(self.0.span_context())
    }

    /// Ends the span; `failure` is the reason for a missing response.
    pub fn end(mut self, purchases: usize, failure: Option<&'static str>) {
        self.0.set_attribute(KeyValue::new(
            "purchases",
            i64::try_from(purchases).unwrap_or(i64::MAX),
        ));
        if let Some(failure) = failure {
            self.0.set_status(Status::error(failure));
        }
        self.0.end();
    }
}

/// Records work of `duration` that ends now and serves several requests at once: a child of the
/// span of the first request, with links to the others.
pub fn record_batch_span(
    name: &'static str,
    mut requests: impl Iterator<Item = SpanRef>,
    duration: Duration,
    commands: usize,
) {
    let (Some(tracer), Some(first)) = (TRACER.get(), requests.next()) else { return };
    let links = requests.take(LINKS_MAX).map(|span| Link::with_context(sampled(span))).collect();
    let now = SystemTime::now();
    let builder = tracer
        .span_builder(name)
        .with_kind(SpanKind::Internal)
        .with_start_time(now.checked_sub(duration).unwrap_or(now))
        .with_links(links)
        .with_attributes([KeyValue::new("commands", i64::try_from(commands).unwrap_or(i64::MAX))]);
    tracer.build_with_context(builder, &context(Some(sampled(first)))).end_with_timestamp(now);
}

fn context(parent: Option<SpanContext>) -> Context {
    parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent))
}

fn sampled(span: SpanRef) -> SpanContext {
    let (trace, id) = (TraceId::from(span.trace_id), SpanId::from(span.span_id));
    SpanContext::new(trace, id, TraceFlags::SAMPLED, true, TraceState::NONE)
}

fn reference(context: &SpanContext) -> SpanRef {
    let span_id = u64::from_be_bytes(context.span_id().to_bytes());
    SpanRef { trace_id: u128::from_be_bytes(context.trace_id().to_bytes()), span_id }
}

fn traceparent(context: &SpanContext) -> Option<HeaderValue> {
    let text =
        format!("00-{}-{}-{:02x}", context.trace_id(), context.span_id(), context.trace_flags());
    context.is_valid().then(|| HeaderValue::try_from(text).ok()).flatten()
}

/// Parses a `traceparent` that is well formed and not all zeros.
fn parse(value: &HeaderValue) -> Option<SpanContext> {
    let mut parts = value.to_str().ok()?.split('-');
    let (_version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    Some(SpanContext::new(trace, span, flags, true, TraceState::NONE)).filter(SpanContext::is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_survives_parsing_and_formatting() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context = parse(&HeaderValue::from_static(text)).expect("well formed");
        assert_eq!(traceparent(&context).expect("valid"), text);
        assert_eq!(sampled(reference(&context)).span_id(), context.span_id());
        assert!(
            parse(&HeaderValue::from_static(
                "00-00000000000000000000000000000000-00f067aa0ba902b7-01"
            ))
            .is_none()
        );
    }
}
