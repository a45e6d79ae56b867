//! The way to a real server that speaks TLS, in the modes of libpq.

use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use inventory_postgres::{Postgres, PostgresOptions};
use test_postgres::{Authority, Certified, Server};
use tracing::Level;

const PASSWORD: &str = "hunter2-is-secret";

/// All that is logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Tries to use the database at `url`; the error has the returned text and the log. Neither ever
/// holds the password.
async fn reach(url: &str) -> Result<(), String> {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let postgres = Postgres::open(PostgresOptions {
        connect_timeout: Duration::from_secs(20),
        ..PostgresOptions::new(url.parse().unwrap())
    });
    let heard = async {
        loop {
            let text = postgres.check().map_err(|error| error.to_string());
            if text.as_ref().is_err_and(|text| text.contains("not reached yet")) {
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            }
            return text;
        }
    };
    let text = tokio::time::timeout(Duration::from_secs(60), heard)
        .await
        .expect("neither reached nor refused");
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(!logged.contains("hunter2"), "{logged}");
    text.map_err(|text| format!("{text}\n{logged}"))
}

async fn refused(url: &str, why: &[&str]) {
    let text = reach(url).await.expect_err(url);
    for why in why {
        assert!(text.contains(why), "{url} should be refused for '{why}':\n{text}");
    }
}

fn file(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

async fn server(certified: &Certified, clients: &Authority) -> Server {
    let access =
        ["hostssl all certified 127.0.0.1/32 cert", "hostssl all all 127.0.0.1/32 scram-sha-256"];
    let server = Server::with_tls(certified, clients, &access);
    let roles = format!(
        "CREATE ROLE buyer SUPERUSER LOGIN PASSWORD '{PASSWORD}'; CREATE ROLE certified SUPERUSER LOGIN"
    );
    server.run("postgres", &roles).await;
    server
}

// On one thread: the log is captured on this thread only.
#[tokio::test]
async fn server_is_verified_as_the_mode_requires() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = server(&authority.server("localhost"), &authority).await;
    let dir = tempfile::tempdir().unwrap();
    let known = file(dir.path(), "known.crt", &authority.certificate());
    let strange = file(dir.path(), "strange.crt", &stranger.certificate());
    // Its certificate is for the name only: by its address it is somebody else.
    let at = |host: &str, rest: &str| {
        format!("postgres://buyer:{PASSWORD}@{host}:{}/postgres?{rest}", server.port())
    };
    for rest in ["sslmode=require", "sslmode=prefer", "", "sslmode=require&channel_binding=require"]
    {
        reach(&at("127.0.0.1", rest)).await.unwrap();
    }
    reach(&at("localhost", &format!("sslmode=verify-full&sslrootcert={known}"))).await.unwrap();
    reach(&at("127.0.0.1", &format!("sslmode=verify-ca&sslrootcert={known}"))).await.unwrap();
    refused(
        &at("127.0.0.1", &format!("sslmode=verify-full&sslrootcert={known}")),
        &["database unreachable", "certificate not valid for name"],
    )
    .await;
    for mode in ["verify-ca", "verify-full", "require"] {
        refused(
            &at("localhost", &format!("sslmode={mode}&sslrootcert={strange}")),
            &["database unreachable", "invalid peer certificate"],
        )
        .await;
    }
    // Without TLS this server refuses every login and logs that.
    refused(&at("127.0.0.1", "sslmode=disable"), &["refused the login", "no encryption"]).await;
    let wrong = at("127.0.0.1", "sslmode=require").replace(PASSWORD, "hunter2-is-wrong");
    refused(&wrong, &["refused the login", "password authentication failed"]).await;
}

// On one thread: the log is captured on this thread only.
#[tokio::test]
async fn client_certificate_logs_in() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = server(&authority.server("localhost"), &authority).await;
    let dir = tempfile::tempdir().unwrap();
    let known = file(dir.path(), "known.crt", &authority.certificate());
    let url = |name: &str, client: &Certified| {
        let cert = file(dir.path(), &format!("{name}.crt"), &client.certificate);
        let key = file(dir.path(), &format!("{name}.key"), &client.key);
        format!(
            "postgres://certified@localhost:{}/postgres?sslmode=verify-full&sslrootcert={known}&sslcert={cert}&sslkey={key}",
            server.port()
        )
    };
    reach(&url("right", &authority.client("certified"))).await.unwrap();
    refused(
        &url("other", &authority.client("somebody")),
        &["refused the login", "certificate authentication failed"],
    )
    .await;
    refused(&url("forged", &stranger.client("certified")), &["database unreachable"]).await;
    let none = format!(
        "postgres://certified@localhost:{}/postgres?sslmode=verify-full&sslrootcert={known}",
        server.port()
    );
    refused(&none, &["refused the login", "valid client certificate"]).await;
}
