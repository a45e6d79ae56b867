use std::time::Duration;

use config::{Source, render_dotenv};
use http_server::{
    middleware::CorsOrigins,
    settings::{SERVING, ServingSettings},
};
use telemetry::LogLevel;

fn source(pairs: &[(&str, &str)]) -> Source {
    Source::from_pairs(pairs.iter().copied())
}

#[test]
fn serving_settings_have_defaults_and_ranges() {
    let settings = ServingSettings::from_source(&source(&[])).expect("defaults");
    assert_eq!(settings.host, "0.0.0.0");
    assert_eq!(settings.log_level, LogLevel::Info);
    assert_eq!(settings.requests.cors_allow_origins, CorsOrigins::Any);
    assert_eq!(settings.server.shutdown_drain, Duration::from_millis(500));
    for (name, value) in [
        ("MAX_HEADER_BYTES", "8191"),
        ("MAX_CONNECTIONS", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("CORS_ALLOW_ORIGINS", "https://a.example/,https://b.example"),
        ("HEADER_TIMEOUT_S", "0"),
    ] {
        let error =
            ServingSettings::from_source(&source(&[(name, value)])).expect_err(name).to_string();
        assert!(error.starts_with(&format!("{name}: ")) && error.contains(value), "{error}");
    }
    let listed = ServingSettings::from_source(&source(&[(
        "cors_allow_origins",
        "https://a.example, http://b:81",
    )]))
    .expect("a list");
    assert!(
        matches!(listed.requests.cors_allow_origins, CorsOrigins::List(list) if list.len() == 2)
    );
}

#[test]
fn uncommented_the_example_is_the_defaults() {
    let example = render_dotenv(&[SERVING]);
    let lines = example
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line));
    let text = lines.collect::<Vec<_>>().join("\n");
    let source = Source::default()
        .with_dotenv(text.as_bytes(), ".env.example".as_ref())
        .expect("a well-formed file");
    let settings = ServingSettings::from_source(&source).expect("defaults");
    assert_eq!(settings.requests.max_body_bytes, 65_536);
}
