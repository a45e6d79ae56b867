//! Settings of the HTTP server.

use std::time::Duration;

use config::{ConfigError, Source, render_dotenv};
use http_server::{
    middleware::{ClientIdentity, CorsOrigins},
    settings::HttpSettings,
};
use telemetry::LogLevel;

fn settings(pairs: &[(&str, &str)]) -> Result<HttpSettings, ConfigError> {
    config::read(&Source::from_pairs(pairs.iter().copied()))
}

#[test]
fn settings_have_defaults_and_ranges() {
    let defaults = settings(&[]).expect("defaults");
    assert_eq!(defaults.host, "::");
    assert_eq!(defaults.telemetry.logs.log_level, LogLevel::Info);
    assert_eq!(defaults.requests.cors_allow_origins, CorsOrigins::Any);
    assert_eq!(defaults.server(false).shutdown_drain, Duration::from_millis(500));
    assert!(!(defaults.requests.is_urgent)(&http::Method::POST, "/"));
    for (name, value) in [
        ("MAX_HEADER_BYTES", "8191"),
        ("MAX_CONNECTIONS", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("CORS_ALLOW_ORIGINS", "https://a.example/,https://b.example"),
        ("CORS_ALLOW_ORIGINS", "null"),
        ("CORS_ALLOW_ORIGINS", "*,https://a.example"),
        ("HOST", "[::1]"),
        ("HOST", "127.0.0.1:80"),
        ("HOST", "my host"),
        ("HOST", "http://localhost"),
        ("LOG_BUFFER_BYTES", "0"),
        ("HEADER_TIMEOUT_S", "0"),
        ("RATE_LIMIT_PER_SECOND", "1000001"),
        ("RATE_LIMIT_BURST", "0"),
        ("RATE_LIMIT_BY", "cookie"),
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.1"),
    ] {
        let error = settings(&[(name, value)]).expect_err(name).to_string();
        assert!(error.starts_with(&format!("{name}: ")) && error.contains(value), "{error}");
    }
    let listed = settings(&[("cors_allow_origins", "https://a.example, http://b:81")]);
    let origins = listed.expect("a list").requests.cors_allow_origins;
    assert!(matches!(origins, CorsOrigins::List(list) if list.len() == 2));
}

#[test]
fn a_collector_url_with_a_password_is_refused_and_hidden() {
    for url in ["https://collector", "http://user:hunter2@collector", "collector:4318"] {
        let error = settings(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url)]).expect_err(url).to_string();
        assert!(error.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: "), "{error}");
        assert!(!error.contains("hunter2") && !error.contains("https:"), "{error}");
    }
    let url = "http://collector:4318";
    let accepted = settings(&[("OTEL_EXPORTER_OTLP_ENDPOINT", url)]).expect("a URL");
    assert_eq!(accepted.telemetry.traces.otlp_endpoint.as_deref(), Some(url));
}

#[test]
fn peers_are_noted_only_for_quotas() {
    assert!(!settings(&[]).expect("defaults").server(false).note_peers);
    let limited = settings(&[("RATE_LIMIT_PER_SECOND", "5"), ("RATE_LIMIT_BY", "token")]);
    let limited = limited.expect("a quota");
    assert!(limited.server(false).note_peers);
    assert_eq!(limited.requests.quota.identify_by, ClientIdentity::Token);
}

#[test]
fn uncommented_the_example_is_the_defaults() {
    let example = render_dotenv::<HttpSettings>();
    let lines = example
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line));
    let text = lines.collect::<Vec<_>>().join("\n");
    let source = Source::default()
        .with_dotenv(text.as_bytes(), ".env.example".as_ref())
        .expect("a well-formed file");
    let settings: HttpSettings = config::read(&source).expect("defaults");
    assert_eq!(settings.requests.max_body_bytes, 65_536);
}
