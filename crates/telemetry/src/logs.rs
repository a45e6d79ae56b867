//! Log lines, as text or JSON.

use std::{fmt, io, io::IsTerminal, panic};

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, JsonFields, Writer},
    },
    registry::LookupSpan,
};

use crate::{LogGuard, LogLevel, LogQueue, LogSettings, context::describe};

/// The filter: this system at `level`, the HTTP libraries and the store less verbose.
fn directives(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => {
            "debug,fjall=info,h2=info,hyper=info,hyper_util=info,lsm_tree=info,opentelemetry=info,opentelemetry_sdk=info,opentelemetry-otlp=info,reqwest=info"
        }
        LogLevel::Info => "info,fjall=warn,lsm_tree=warn",
        LogLevel::Warning => "warn",
        LogLevel::Error => "error",
    }
}

/// Logs cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogInitError {
    #[error("RUST_LOG: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logs are already set up: {0}")]
    AlreadySet(Box<dyn std::error::Error + Send + Sync>),
    #[error("cannot start the thread that writes logs: {0}")]
    Thread(#[from] io::Error),
}

/// Logs to standard output: one JSON object a line with a `service` member, or text. `RUST_LOG`,
/// when set, replaces the level with filter directives. A panic becomes a log line as well.
///
/// Lines are written by a thread of their own; the guard writes the last ones when dropped.
///
/// # Errors
/// [`LogInitError`] when `RUST_LOG` does not parse or a subscriber is already installed.
pub fn init_logs(settings: &LogSettings) -> Result<LogGuard, LogInitError> {
    let given = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let filter =
        EnvFilter::try_new(given.as_deref().unwrap_or_else(|| directives(settings.log_level)))?;
    let (queue, guard) = LogQueue::stdout(settings.log_buffer_bytes)?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stdout().is_terminal())
        // Its own errors would go to standard error, which may be full or closed.
        .log_internal_errors(false)
        .with_writer(queue);
    let result = if settings.json_logs {
        let format = ServiceJson::new(&settings.service_name);
        builder.fmt_fields(JsonFields::new()).event_format(format).try_init()
    } else {
        builder.map_event_format(WithIds).try_init()
    };
    result.map_err(LogInitError::AlreadySet)?;
    log_panics();
    Ok(guard)
}

/// Logs panics instead of writing them to standard error, where the write may block.
pub fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(location, panic = message, "thread panicked");
    }));
}

/// Text lines. The lines of a request begin with its id.
struct WithIds<F>(F);

impl<S, N, F> FormatEvent<S, N> for WithIds<F>
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        describe(|id, span| {
            write!(writer, "[{id}")?;
            span.map_or(Ok(()), |span| write!(writer, " trace {:032x}", span.trace_id))?;
            write!(writer, "] ")
        })?;
        self.0.format_event(context, writer, event)
    }
}

/// JSON lines that begin with the name of the service.
struct ServiceJson {
    /// `{"service":"…",`
    opening: String,
    inner: Format<Json>,
}

impl ServiceJson {
    fn new(service: &str) -> Self {
        let name = serde_json::Value::from(service);
        Self {
            opening: format!("{{\"service\":{name},"),
            inner: Format::default().json().flatten_event(true).with_current_span(false),
        }
    }
}

impl<S, N> FormatEvent<S, N> for ServiceJson
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> fmt::Result {
        let mut line = String::with_capacity(256);
        self.inner.format_event(context, Writer::new(&mut line), event)?;
        writer.write_str(&self.opening)?;
        describe(|id, span| {
            write!(writer, "\"request_id\":\"{id}\",")?;
            span.map_or(Ok(()), |span| {
                write!(
                    writer,
                    "\"trace_id\":\"{:032x}\",\"span_id\":\"{:016x}\",",
                    span.trace_id, span.span_id
                )
            })
        })?;
        writer.write_str(line.strip_prefix('{').unwrap_or(&line))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use http::HeaderValue;

    use super::*;
    use crate::{RequestContext, RequestId, SpanRef, within};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn json_lines_name_the_service() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(JsonFields::new())
            .event_format(ServiceJson::new("a \"quoted\" name"))
            .with_writer(move || writer.clone())
            .finish();
        let span = Some(SpanRef { trace_id: 0xabc, span_id: 7 });
        let request_id = RequestId::accept(&HeaderValue::from_static("r-1"));
        let mut request = RequestContext { request_id, span };
        tracing::subscriber::with_default(subscriber, || {
            within(&mut request, || tracing::warn!(qty = 3, "sold\nout"));
        });
        let text = String::from_utf8(lines.0.lock().expect("not poisoned").clone()).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(line["service"], "a \"quoted\" name");
        assert_eq!(
            (&line["request_id"], &line["trace_id"]),
            (&"r-1".into(), &"00000000000000000000000000000abc".into())
        );
        assert_eq!(
            (&line["message"], &line["qty"], &line["level"]),
            (&"sold\nout".into(), &3.into(), &"WARN".into())
        );
    }

    #[test]
    fn the_filter_of_every_level_parses() {
        for level in [LogLevel::Debug, LogLevel::Info, LogLevel::Warning, LogLevel::Error] {
            assert!(EnvFilter::try_new(directives(level)).is_ok(), "{level:?}");
        }
    }
}
