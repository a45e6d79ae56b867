//! The vacancy binary under strace, which kills it or makes its system calls fail.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use system_tests::{ADMIN_TOKEN, Client, binary};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

const START_MAX: Duration = Duration::from_secs(30);

/// A vacancy process under strace.
pub struct Traced {
    child: Child,
    port: Option<u16>,
    /// Time from its start to listening.
    pub started_in: Duration,
    /// The file with its system calls.
    pub trace: PathBuf,
}

impl Traced {
    /// Starts vacancy on `data_dir` with these arguments for strace. Waits until it listens or
    /// ends.
    ///
    /// # Panics
    /// When strace cannot be started.
    pub async fn start(data_dir: &Path, trace: &Path, strace: &[&str]) -> Self {
        let started = Instant::now();
        let mut command = Command::new("strace");
        command
            .args(["-f", "-qq", "-y", "-o"])
            .arg(trace)
            .args(strace)
            .arg("--")
            .arg(binary("vacancy"));
        command.env_clear().envs([
            ("PATH", "/usr/bin:/bin:/usr/sbin:/sbin"),
            ("ADMIN_TOKEN", ADMIN_TOKEN),
            ("HOST", "127.0.0.1"),
            ("JSON_LOGS", "true"),
            ("VACANCY_PORT", "0"),
            ("SHUTDOWN_DRAIN_S", "0.1"),
            ("INITIAL_STOCK", "1000000"),
        ]);
        command.env("DATA_DIR", data_dir).current_dir(data_dir.parent().unwrap());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .process_group(0)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = async {
            while let Ok(Some(line)) = lines.next_line().await {
                let log: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                let fields = if log["fields"].is_object() { &log["fields"] } else { &log };
                if fields["message"] == "listening" {
                    return fields["address"]
                        .as_str()
                        .and_then(|address| address.rsplit(':').next()?.parse().ok());
                }
            }
            None
        };
        let port = tokio::time::timeout(START_MAX, listening)
            .await
            .expect("it neither listened nor ended");
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, port, started_in: started.elapsed(), trace: trace.to_owned() }
    }

    /// A client, when the process listens.
    #[must_use]
    pub fn client(&self) -> Option<Client> {
        self.port.map(|port| Client::new(&format!("http://127.0.0.1:{port}")))
    }

    /// Kills it, unless it has ended by itself; true when it had.
    pub async fn kill(mut self) -> bool {
        let ended = self.port.is_none() || matches!(self.child.try_wait(), Ok(Some(_)));
        if let Some(group) = self.child.id() {
            // strace and the traced process, its child, are in the process group of this test.
            let _ = std::process::Command::new("kill")
                .args(["-KILL", "--", &format!("-{group}")])
                .status();
        }
        drop(self.child.wait().await);
        ended
    }
}

/// A strace attached to a running process; it counts from now on.
pub struct Tracer(Child);

impl Tracer {
    /// Waits until every thread of `pid` is traced.
    ///
    /// # Panics
    /// After 10 seconds.
    pub async fn attach(pid: u32, trace: &Path, strace: &[&str]) -> Self {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o"]).arg(trace).args(strace).args(["-p", &pid.to_string()]);
        let child = command.stdin(Stdio::null()).kill_on_drop(true).spawn().unwrap();
        let since = Instant::now();
        while !traced(pid) {
            assert!(since.elapsed() < Duration::from_secs(10), "strace does not attach");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Self(child)
    }

    /// Waits until strace ends, which it does after the traced process.
    ///
    /// # Panics
    /// After 30 seconds.
    pub async fn ended(mut self) {
        tokio::time::timeout(START_MAX, self.0.wait()).await.expect("strace did not end").unwrap();
    }
}

fn traced(pid: u32) -> bool {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks.flatten().all(|task| {
        let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
        status
            .lines()
            .any(|line| line.strip_prefix("TracerPid:").is_some_and(|by| by.trim() != "0"))
    })
}
