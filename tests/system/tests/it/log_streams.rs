//! Logs that cannot be written cost log lines and nothing else.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::unix::process::ExitStatusExt,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::json;
use system_tests::{Client, binary, free_port};

/// Longer than any step takes.
const STEP_MAX: Duration = Duration::from_secs(20);

/// A service whose output is not read by the harness. It is killed when dropped.
struct Service {
    child: Child,
    client: Client,
    _dir: tempfile::TempDir,
}

impl Service {
    /// The service with its streams at `stdout` and `stderr`, once it answers.
    async fn start(name: &str, stdout: Stdio, stderr: Stdio, env: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port().to_string();
        let mut command = Command::new(binary(name));
        command
            .env_clear()
            .envs([
                ("DATA_DIR", dir.path().to_str().unwrap()),
                ("HOST", "127.0.0.1"),
                ("LOG_LEVEL", "DEBUG"),
                ("INITIAL_STOCK", "1000000"),
                ("SHUTDOWN_DRAIN_S", "0.1"),
                ("DEPLOYMENT_MODE", if name == "ticket" { "monolith" } else { "microservices" }),
                ("MONOLITH_PORT", &port),
                ("VACANCY_PORT", &port),
            ])
            .envs(env.iter().copied())
            .current_dir(dir.path())
            .stdout(stdout)
            .stderr(stderr);
        let child = command.spawn().unwrap();
        let mut service =
            Self { child, client: Client::new(&format!("http://127.0.0.1:{port}")), _dir: dir };
        let end = Instant::now() + STEP_MAX;
        while service.client.call(reqwest::Method::GET, "/ready", &[], None).await.is_err() {
            assert!(Instant::now() < end, "it does not start");
            assert!(service.child.try_wait().unwrap().is_none(), "it ended");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        service
    }

    /// Buys `count` tickets; each purchase and probe is answered at once.
    async fn buy(&self, path: &str, count: u64) {
        for number in 0..count {
            let began = Instant::now();
            let answer = self.client.post(path, json!({"qty": 1})).await;
            assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(true)), "{number}");
            assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        }
        assert_eq!(self.client.get("/health").await.status, 200);
    }

    async fn dropped_lines(&self) -> f64 {
        let text = String::from_utf8(self.client.get("/metrics").await.bytes).unwrap();
        let line = text.lines().find(|line| line.starts_with("log_lines_dropped_total")).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    /// Sends a signal; the process drains and exits with 0.
    fn ends_after(mut self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let end = Instant::now() + Duration::from_secs(8);
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it does not end");
            std::thread::sleep(Duration::from_millis(20));
        };
        assert_eq!((status.code(), status.signal()), (Some(0), None));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn full() -> Stdio {
    OpenOptions::new().write(true).open("/dev/full").unwrap().into()
}

const SERVICES: [(&str, &str); 2] =
    [("ticket", "/api/v1/purchase"), ("vacancy", "/api/v1/reserve")];

#[tokio::test]
async fn full_log_disk_stops_nothing() {
    for (name, path) in SERVICES {
        for json_logs in ["true", "false"] {
            let service = Service::start(name, full(), full(), &[("JSON_LOGS", json_logs)]).await;
            service.buy(path, 50).await;
            assert!(service.dropped_lines().await >= 50.0);
            service.ends_after("-TERM");
        }
    }
}

#[tokio::test]
async fn closed_log_pipe_stops_nothing() {
    for (name, path) in SERVICES {
        let (reader, writer) = std::io::pipe().unwrap();
        let service =
            Service::start(name, writer.try_clone().unwrap().into(), writer.into(), &[]).await;
        drop(reader);
        service.buy(path, 50).await;
        assert!(service.dropped_lines().await >= 40.0);
        service.ends_after("-TERM");
    }
}

#[tokio::test]
async fn log_pipe_closed_before_the_start_stops_nothing() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let service =
        Service::start("vacancy", writer.try_clone().unwrap().into(), writer.into(), &[]).await;
    service.buy("/api/v1/reserve", 20).await;
    service.ends_after("-INT");
}

#[tokio::test]
async fn unread_log_pipe_stops_nothing() {
    for (name, path) in SERVICES {
        // The reader is open, and nobody reads.
        let (reader, writer) = std::io::pipe().unwrap();
        let env = [("LOG_BUFFER_BYTES", "65536")];
        let service =
            Service::start(name, writer.try_clone().unwrap().into(), writer.into(), &env).await;
        let mut rounds = 0;
        while service.dropped_lines().await < 100.0 {
            service.buy(path, 100).await;
            rounds += 1;
            assert!(rounds < 100, "the pipe never fills");
        }
        service.buy(path, 20).await;
        service.ends_after(if name == "ticket" { "-TERM" } else { "-HUP" });
        drop(reader);
    }
}

#[tokio::test]
async fn full_pipe_at_the_start_stops_nothing() {
    let (reader, mut writer) = std::io::pipe().unwrap();
    let filler = writer.try_clone().unwrap();
    // Fills the pipe to the last byte.
    let filled = std::thread::spawn(move || {
        use std::io::Write;
        let _ = writer.write_all(&[b'x'; 1 << 20]);
    });
    std::thread::sleep(Duration::from_millis(200));
    let service =
        Service::start("vacancy", filler.try_clone().unwrap().into(), filler.into(), &[]).await;
    service.buy("/api/v1/reserve", 20).await;
    service.ends_after("-TERM");
    drop(reader);
    filled.join().unwrap();
}

#[tokio::test]
async fn readable_again_log_reports_what_was_dropped() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let env = [("LOG_BUFFER_BYTES", "65536")];
    let service = Service::start("vacancy", writer.into(), Stdio::null(), &env).await;
    while service.dropped_lines().await < 50.0 {
        service.buy("/api/v1/reserve", 100).await;
    }
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    service.buy("/api/v1/reserve", 100).await;
    service.ends_after("-TERM");
    let text = reading.join().unwrap();
    assert!(text.contains("log lines dropped"), "{} bytes", text.len());
    assert!(text.contains("server stopped"), "the last lines are written");
}

#[test]
fn commands_report_an_output_that_cannot_be_written() {
    for (name, args) in [
        ("vacancy", &["openapi"][..]),
        ("ticket", &["openapi"]),
        ("ticket", &["settings", "markdown"]),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        for output in [full(), writer.into()] {
            let result = Command::new(binary(name))
                .args(args)
                .env_clear()
                .current_dir("/")
                .stdout(output)
                .stderr(Stdio::piped())
                .output()
                .unwrap();
            let message = String::from_utf8(result.stderr).unwrap();
            assert_eq!(result.status.code(), Some(1), "{message}");
            assert!(
                message.contains("cannot write to standard output") && message.lines().count() == 1,
                "{message}"
            );
        }
    }
}

#[test]
fn wrong_setting_is_exit_2_where_errors_cannot_be_written() {
    let null = || File::open("/dev/null").unwrap();
    for stream in [full(), null().into()] {
        let status = Command::new(binary("vacancy"))
            .env_clear()
            .env("VACANCY_PORT", "none")
            .current_dir("/")
            .stdout(Stdio::null())
            .stderr(stream)
            .status()
            .unwrap();
        assert_eq!(status.code(), Some(2));
    }
}
