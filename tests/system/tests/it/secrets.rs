//! Secrets stay where they are: not in logs of any level, errors, answers, metrics, or on command lines.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use system_tests::{Client, binary, free_port};
use test_postgres::Server;

/// A part of every secret below.
const MARK: &str = "sesame";
const TOKEN: &str = "sesame-admin-token-0123456789";
/// As a person types it who has mistaken a letter: nearly the secret itself.
const WRONG_TOKEN: &str = "sesame-admin-token-012345678";
const DATABASE_PASSWORD: &str = "sesame-database-password";
const HEADERS: &str = "authorization=Bearer%20sesame-collector,x-api-key=sesame-key";

/// A binary whose whole output is kept.
struct Told {
    child: Child,
    output: PathBuf,
}

impl Told {
    fn start(dir: &Path, name: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let output = dir.join(format!("output-{}", rand::random::<u32>()));
        let file = File::create(&output).unwrap();
        let mut command = Command::new(binary(name));
        command.args(args).env_clear().envs([("HOST", "127.0.0.1"), ("SHUTDOWN_DRAIN_S", "0"), ("RUST_LOG", "trace")]);
        command.envs(env.iter().copied()).current_dir(dir).stdout(file.try_clone().unwrap()).stderr(file);
        Self { child: command.spawn().unwrap(), output }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.output).unwrap()).into_owned()
    }

    /// Waits until it has written one of `words`, or has ended.
    fn until(&mut self, words: &[&str]) {
        let since = Instant::now();
        while !words.iter().any(|word| self.text().contains(word)) && self.child.try_wait().unwrap().is_none() {
            assert!(since.elapsed() < Duration::from_secs(60), "it does not say {words:?}:\n{}", self.text());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn command_line(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/cmdline", self.child.id())).unwrap_or_default()
    }

    /// Ends it, and finds no secret in all it has written.
    fn check(mut self, what: &str) -> String {
        assert!(!self.command_line().contains(MARK), "{what}: on the command line");
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let since = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            if since.elapsed() > Duration::from_secs(30) {
                self.child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let text = self.text();
        assert!(!text.is_empty(), "{what}: nothing was written, so nothing was looked at");
        let found: Vec<_> = text.lines().filter(|line| line.contains(MARK)).take(5).collect();
        assert!(found.is_empty(), "{what}: {found:#?}");
        text
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_logs_everything_and_answers_anything_shows_none() {
    let dir = tempfile::tempdir().unwrap();
    let (port, collector) = (free_port().to_string(), free_port());
    let endpoint = format!("http://127.0.0.1:{collector}");
    let env = [
        ("DEPLOYMENT_MODE", "monolith"),
        ("MONOLITH_PORT", port.as_str()),
        ("DATA_DIR", dir.path().to_str().unwrap()),
        ("ADMIN_TOKEN", TOKEN),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint),
        ("OTEL_EXPORTER_OTLP_HEADERS", HEADERS),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("RATE_LIMIT_PER_SECOND", "100000"),
        ("RATE_LIMIT_BY", "token"),
    ];
    let mut service = Told::start(dir.path(), "ticket", &[], &env);
    service.until(&["listening"]);
    let base = format!("http://127.0.0.1:{port}");
    let client = Client::new(&base);
    let (right, wrong) = (format!("Bearer {TOKEN}"), format!("Bearer {WRONG_TOKEN}"));
    let mut answers = Vec::new();
    for path in
        ["/", "/health", "/ready", "/metrics", "/docs", "/redoc", "/openapi.json", "/nowhere", "/api/v1/available", "/api/v1/events"]
    {
        answers.push(client.get(path).await);
    }
    for token in [&right, &wrong] {
        let headers = [("authorization", token.as_str()), ("idempotency-key", "sesame-key-of-a-buyer"), ("x-request-timeout-ms", "5000")];
        for (method, path, body) in [
            (Method::GET, "/api/v1/admin/events/default/sales", None),
            (Method::GET, "/api/v1/admin/events/default/sales?limit=x", None),
            (Method::PUT, "/api/v1/admin/events/gig", Some(json!({"stocks": {"general": 5}}))),
            (Method::PUT, "/api/v1/admin/events/gig", Some(json!({"nonsense": 5}))),
            (Method::POST, "/api/v1/admin/reservations/1/refunds", None),
            (Method::POST, "/api/v1/purchase", Some(json!({"qty": 1}))),
            (Method::POST, "/api/v1/reserve", Some(json!({"qty": "many"}))),
        ] {
            let answer = client.call(method, path, &headers, body).await.unwrap();
            // The ledger has the key on purpose: it is part of the audit trail, and only for administrators.
            if path != "/api/v1/admin/events/default/sales" {
                answers.push(answer);
            }
        }
    }
    answers.push(client.get("/metrics").await);
    for answer in answers {
        let shown = format!("{:?} {}", answer.headers, String::from_utf8_lossy(&answer.bytes));
        assert!(!shown.contains(MARK), "{shown}");
    }
    // HTTP/2 has logs of its own.
    let http2 = reqwest::Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let sales = http2.get(format!("{base}/api/v1/admin/events/default/sales")).header("authorization", &right).send().await.unwrap();
    assert_eq!(sales.status(), 200);
    // The collector that is not there has been tried.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let text = tokio::task::spawn_blocking(|| service.check("the monolith")).await.unwrap();
    assert!(text.contains("TRACE") && text.contains("answered"), "it has logged everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_let_in_shows_no_password() {
    let server = tokio::task::spawn_blocking(|| Server::start(&["fsync = off", "password_encryption = 'scram-sha-256'"])).await.unwrap();
    server.run("postgres", &format!("CREATE ROLE buyer LOGIN PASSWORD '{DATABASE_PASSWORD}'")).await;
    server.run("postgres", "CREATE DATABASE shop OWNER buyer").await;
    let (dir, port) = (tempfile::tempdir().unwrap(), server.port());
    let login = format!("postgres://buyer:{DATABASE_PASSWORD}");
    let cases = [
        ("refused", format!("{login}@127.0.0.1:{}/shop", free_port())),
        ("no such host", format!("{login}@nowhere.invalid/shop")),
        ("no TLS there", format!("{login}@127.0.0.1:{port}/shop?sslmode=require")),
        ("no such database", format!("{login}@127.0.0.1:{port}/sold")),
        ("no such user", format!("postgres://seller:{DATABASE_PASSWORD}@127.0.0.1:{port}/shop")),
        ("it works", format!("{login}@127.0.0.1:{port}/shop")),
    ];
    for (what, url) in cases {
        let env = [("STORE_URL", url.as_str()), ("VACANCY_PORT", "0"), ("ADMIN_TOKEN", TOKEN), ("STORE_CONNECT_TIMEOUT_S", "0.5")];
        let mut vacancy = Told::start(dir.path(), "vacancy", &[], &env);
        let dir = dir.path().to_owned();
        tokio::task::spawn_blocking(move || {
            vacancy.until(&["listening", "cannot be reached", "cannot be opened", "not open"]);
            std::thread::sleep(Duration::from_millis(300));
            vacancy.check(what);
            for args in [&["verify"][..], &["export", "--format", "csv"], &["migrate-store", "--from", "/nowhere"]] {
                let mut command = Told::start(&dir, "vacancy", args, &[("STORE_URL", url.as_str()), ("STORE_CONNECT_TIMEOUT_S", "0.5")]);
                command.until(&["cannot", "records", "event,"]);
                command.check(&format!("{what}: {args:?}"));
            }
        })
        .await
        .unwrap();
    }
}

#[test]
fn settings_that_are_refused_are_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        ("ADMIN_TOKEN", "sesame open"),
        ("ADMIN_TOKEN", "sesame"),
        ("STORE_URL", "mysql://user:sesame@host/db"),
        ("STORE_URL", "postgres://user:sesame@host:port/db"),
        ("STORE_URL", "postgres://user:sesame@host/db?sslmode=verify-full&sslrootcert=/nowhere"),
        ("VACANCY_URL", "https://user:sesame@vacancy"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:sesame@collector"),
        // Libraries would write it into their logs.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:sesame@collector"),
    ];
    for (name, value) in cases {
        let mut refused = Told::start(dir.path(), "ticket", &[], &[(name, value)]);
        refused.until(&["listening"]);
        assert!(refused.check(name).starts_with(&format!("{name}: ")), "{name}");
    }
    for line in ["ADMIN_TOKEN='sesame-without-an-end", "ADMIN_TOKEN=sesame and more", "sesame sesame", "STORE_URL=\"sesame"] {
        std::fs::write(dir.path().join(".env"), format!("ENVIRONMENT=x\n{line}\n")).unwrap();
        let mut refused = Told::start(dir.path(), "ticket", &[], &[]);
        refused.until(&["listening"]);
        assert!(refused.check("a line of .env").starts_with(".env: "));
    }
}
