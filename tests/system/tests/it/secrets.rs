//! Secrets do not appear in logs of any level, errors, responses, metrics or command lines.
//!
//! No request known to these tests makes a handler panic. `a_panic_is_500_and_leaks_nothing` of
//! http-server tests the response and the log of a panic.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;
use system_tests::{Client, binary, free_port};
use test_postgres::{Authority, Server};

/// A part of every secret below.
const MARK: &str = "sesame";
const TOKEN: &str = "sesame-admin-token-0123456789";
/// The secret with a wrong letter, as a typing mistake.
const WRONG_TOKEN: &str = "sesame-admin-token-012345678";
const DATABASE_PASSWORD: &str = "sesame-database-password";
const HEADERS: &str = "authorization=Bearer%20sesame-collector,x-api-key=sesame-key";

/// A process whose whole output is kept.
struct Captured {
    child: Child,
    output: PathBuf,
}

impl Captured {
    fn start(dir: &Path, name: &str, args: &[&str], env: &[(&str, &str)]) -> Self {
        let output = dir.join(format!("output-{}", rand::random::<u32>()));
        let file = File::create(&output).unwrap();
        let mut command = Command::new(binary(name));
        command.args(args).env_clear().envs([
            ("HOST", "127.0.0.1"),
            ("SHUTDOWN_DRAIN_S", "0"),
            ("RUST_LOG", "trace"),
        ]);
        command
            .envs(env.iter().copied())
            .current_dir(dir)
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        Self { child: command.spawn().unwrap(), output }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.output).unwrap()).into_owned()
    }

    /// Waits until it writes one of `words`, or ends.
    fn until(&mut self, words: &[&str]) {
        let since = Instant::now();
        while !words.iter().any(|word| self.text().contains(word))
            && self.child.try_wait().unwrap().is_none()
        {
            assert!(
                since.elapsed() < Duration::from_secs(60),
                "it does not say {words:?}:\n{}",
                self.text()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn command_line(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/cmdline", self.child.id())).unwrap_or_default()
    }

    /// Ends it, and checks that its output contains no secret.
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

impl Drop for Captured {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_and_responses_reveal_no_secret() {
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
    let mut service = Captured::start(dir.path(), "ticket", &[], &env);
    service.until(&["listening"]);
    let base = format!("http://127.0.0.1:{port}");
    let client = Client::new(&base);
    let (right, wrong) = (format!("Bearer {TOKEN}"), format!("Bearer {WRONG_TOKEN}"));
    let mut answers = Vec::new();
    for path in [
        "/",
        "/health",
        "/ready",
        "/metrics",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/nowhere",
        "/api/v1/available",
        "/api/v1/events",
    ] {
        answers.push(client.get(path).await);
    }
    for token in [&right, &wrong] {
        let headers = [
            ("authorization", token.as_str()),
            ("idempotency-key", "sesame-key-of-a-buyer"),
            ("x-request-timeout-ms", "5000"),
        ];
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
            // The ledger contains the key on purpose: the key is a part of the audit trail, for
            // administrators only.
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
    let sales = http2
        .get(format!("{base}/api/v1/admin/events/default/sales"))
        .header("authorization", &right)
        .send()
        .await
        .unwrap();
    assert_eq!(sales.status(), 200);
    // It has tried to reach the missing collector.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let text = tokio::task::spawn_blocking(|| service.check("the monolith")).await.unwrap();
    assert!(text.contains("TRACE") && text.contains("answered"), "it has logged everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_database_login_shows_no_password() {
    let server = tokio::task::spawn_blocking(|| {
        Server::start(&["fsync = off", "password_encryption = 'scram-sha-256'"])
    })
    .await
    .unwrap();
    server
        .run("postgres", &format!("CREATE ROLE buyer LOGIN PASSWORD '{DATABASE_PASSWORD}'"))
        .await;
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
        let env = [
            ("STORE_URL", url.as_str()),
            ("VACANCY_PORT", "0"),
            ("ADMIN_TOKEN", TOKEN),
            ("STORE_CONNECT_TIMEOUT_S", "0.5"),
        ];
        let mut vacancy = Captured::start(dir.path(), "vacancy", &[], &env);
        let dir = dir.path().to_owned();
        tokio::task::spawn_blocking(move || {
            vacancy.until(&["listening", "database unreachable", "cannot be opened", "not open"]);
            std::thread::sleep(Duration::from_millis(300));
            vacancy.check(what);
            for args in [
                &["verify"][..],
                &["export", "--format", "csv"],
                &["migrate-store", "--from", "/nowhere"],
            ] {
                let mut command = Captured::start(
                    &dir,
                    "vacancy",
                    args,
                    &[("STORE_URL", url.as_str()), ("STORE_CONNECT_TIMEOUT_S", "0.5")],
                );
                command.until(&["cannot", "records", "event,"]);
                command.check(&format!("{what}: {args:?}"));
            }
        })
        .await
        .unwrap();
    }
}

/// A recognisable text in the form of a client key.
const KEY: &str = "sesame/client/key/0123456789abcdef+sesame/client/key/0123456789abcdef";

/// Whether a text shows a part of the key, also as a list of its bytes.
fn shows_key(text: &str) -> bool {
    let bytes = KEY.as_bytes()[..12].iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    text.contains(&KEY[..12]) || text.contains(&bytes)
}

#[test]
fn unreadable_client_key_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let client = authority.client("buyer");
    std::fs::write(dir.path().join("client.crt"), &client.certificate).unwrap();
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    let texts = [
        // Without its line breaks.
        format!("{begin}{KEY}{end}"),
        format!("{begin} {KEY} {end}\n"),
        format!("{begin}\n{KEY}"),
        format!("{begin}\n{KEY}\n{end}"),
        format!("{begin}\n{KEY}!\n{end}"),
        format!("-----BEGIN {KEY}\n{end}"),
        KEY.to_owned(),
    ];
    for text in texts {
        let key = dir.path().join("client.key");
        std::fs::write(&key, &text).unwrap();
        let url = format!(
            "postgres://buyer@127.0.0.1/shop?sslmode=require&sslcert={}&sslkey={}",
            dir.path().join("client.crt").display(),
            key.display()
        );
        for args in [&[][..], &["verify"]] {
            let mut refused = Captured::start(dir.path(), "vacancy", args, &[("STORE_URL", &url)]);
            refused.until(&["listening"]);
            let line = refused.check(&text);
            assert!(line.starts_with("STORE_URL: ") && !shows_key(&line), "{line}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_handshake_shows_no_secret() {
    let (dir, authority, stranger) =
        (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    let (certified, access) = (
        authority.server("localhost"),
        ["hostssl all certified 127.0.0.1/32 cert", "hostssl all all 127.0.0.1/32 scram-sha-256"],
    );
    let server = tokio::task::block_in_place(|| Server::with_tls(&certified, &authority, &access));
    server.run("postgres", &format!("CREATE ROLE buyer LOGIN PASSWORD '{DATABASE_PASSWORD}'; CREATE ROLE certified LOGIN")).await;
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (known, strange) =
        (file("known.crt", &authority.certificate()), file("strange.crt", &stranger.certificate()));
    let forged = stranger.client("certified");
    let (cert, key) = (file("forged.crt", &forged.certificate), file("forged.key", &forged.key));
    let port = server.port();
    let login = format!("postgres://buyer:{DATABASE_PASSWORD}");
    let cases = [
        (
            "another authority",
            format!("{login}@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={strange}"),
            "certificate",
        ),
        (
            "another name",
            format!("{login}@127.0.0.1:{port}/postgres?sslmode=verify-full&sslrootcert={known}"),
            "certificate",
        ),
        (
            "a forged client",
            format!(
                "postgres://certified:{DATABASE_PASSWORD}@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={known}&sslcert={cert}&sslkey={key}"
            ),
            "alert",
        ),
    ];
    // The text between the first and the last line of the key.
    let secret: Vec<_> =
        forged.key.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned).collect();
    for (what, url, why) in cases {
        let env = [
            ("STORE_URL", url.as_str()),
            ("VACANCY_PORT", "0"),
            ("ADMIN_TOKEN", TOKEN),
            ("STORE_CONNECT_TIMEOUT_S", "5"),
        ];
        let mut vacancy = Captured::start(dir.path(), "vacancy", &[], &env);
        let secret = secret.clone();
        tokio::task::spawn_blocking(move || {
            vacancy.until(&["cannot be reached", "listening"]);
            std::thread::sleep(Duration::from_millis(500));
            let text = vacancy.check(what);
            assert!(text.to_lowercase().contains(why), "{what} is not in the output:\n{text}");
            assert!(!secret.iter().any(|line| text.contains(line)), "{what}: the key is shown");
        })
        .await
        .unwrap();
    }
}

#[test]
fn refused_settings_are_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let cases = [
        ("ADMIN_TOKEN", "sesame open"),
        ("ADMIN_TOKEN", "sesame"),
        ("STORE_URL", "mysql://user:sesame@host/db"),
        ("STORE_URL", "postgres://user:sesame@host:port/db"),
        ("STORE_URL", "postgres://user:sesame@host/db?sslmode=verify-full&sslrootcert=/nowhere"),
        ("VACANCY_URL", "https://user:sesame@vacancy"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:sesame@collector"),
        // Libraries would log it.
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:sesame@collector"),
    ];
    for (name, value) in cases {
        let mut refused = Captured::start(dir.path(), "ticket", &[], &[(name, value)]);
        refused.until(&["listening"]);
        assert!(refused.check(name).starts_with(&format!("{name}: ")), "{name}");
    }
    for line in [
        "ADMIN_TOKEN='sesame-without-an-end",
        "ADMIN_TOKEN=sesame and more",
        "sesame sesame",
        "STORE_URL=\"sesame",
    ] {
        std::fs::write(dir.path().join(".env"), format!("ENVIRONMENT=x\n{line}\n")).unwrap();
        let mut refused = Captured::start(dir.path(), "ticket", &[], &[]);
        refused.until(&["listening"]);
        assert!(refused.check("a line of .env").starts_with(".env: "));
    }
}
