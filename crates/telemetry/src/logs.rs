use std::{fmt, io::IsTerminal, str::FromStr};

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Format, Json, JsonFields, Writer},
    },
    registry::LookupSpan,
};

use super::current::describe;

/// Least severe level that is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Info,
    Warning,
    Error,
}

/// The text is none of the levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected one of DEBUG, INFO, WARNING, ERROR")]
pub struct InvalidLogLevel;

impl FromStr for LogLevel {
    type Err = InvalidLogLevel;

    fn from_str(text: &str) -> Result<Self, InvalidLogLevel> {
        match text.to_ascii_uppercase().as_str() {
            "DEBUG" => Ok(Self::Debug),
            "INFO" => Ok(Self::Info),
            "WARNING" | "WARN" => Ok(Self::Warning),
            "ERROR" => Ok(Self::Error),
            _ => Err(InvalidLogLevel),
        }
    }
}

impl LogLevel {
    /// The filter: ours at this level, the inner workings of the HTTP libraries and of the store
    /// more quietly.
    fn directives(self) -> &'static str {
        match self {
            Self::Debug => {
                "debug,fjall=info,h2=info,hyper=info,hyper_util=info,lsm_tree=info,opentelemetry=info,opentelemetry_sdk=info,opentelemetry-otlp=info,reqwest=info"
            }
            Self::Info => "info,fjall=warn,lsm_tree=warn",
            Self::Warning => "warn",
            Self::Error => "error",
        }
    }
}

/// Logs are already set up in this process, or `RUST_LOG` is wrong.
#[derive(Debug, thiserror::Error)]
pub enum LogInitError {
    #[error("RUST_LOG: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("logs are already set up: {0}")]
    AlreadySet(Box<dyn std::error::Error + Send + Sync>),
}

/// Logs to standard output: one JSON object a line with a `service` member, or text. `RUST_LOG`,
/// when set, replaces `level` with filter directives.
///
/// # Errors
/// [`LogInitError`] when `RUST_LOG` does not parse or a subscriber is already installed.
pub fn init_logs(level: LogLevel, json: bool, service: &str) -> Result<(), LogInitError> {
    let directives = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let filter = EnvFilter::try_new(directives.as_deref().unwrap_or(level.directives()))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stdout().is_terminal());
    let result = if json {
        builder.fmt_fields(JsonFields::new()).event_format(ServiceJson::new(service)).try_init()
    } else {
        builder.map_event_format(WithIds).try_init()
    };
    result.map_err(LogInitError::AlreadySet)
}

/// Text lines; those of a request begin with its id.
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

/// JSON lines that begin with the service's name.
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
    use crate::{Current, Id, SpanRef, within};

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
        let mut request =
            Current { request_id: Id::accept(&HeaderValue::from_static("r-1")), span };
        tracing::subscriber::with_default(subscriber, || {
            within(&mut request, || tracing::warn!(qty = 3, "sold\nout"))
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
    fn levels_and_their_filters() {
        for (text, level) in
            [("debug", LogLevel::Debug), ("WARNING", LogLevel::Warning), ("Error", LogLevel::Error)]
        {
            assert_eq!(text.parse(), Ok(level));
            assert!(EnvFilter::try_new(level.directives()).is_ok());
        }
        assert_eq!("LOUD".parse::<LogLevel>(), Err(InvalidLogLevel));
    }
}
