//! The binaries as processes.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::OnceLock,
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{ADMIN_TOKEN, Client, GATE_TOKEN, SELLER_TOKEN};

/// The longest start, of a debug build on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);

/// A binary of the workspace, built when it is stale.
pub fn binary(name: &str) -> PathBuf {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    let dir = DIR.get_or_init(|| {
        // This test binary lies in `<target>/<profile>/deps`.
        let profile_dir =
            std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
        let mut build = std::process::Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--locked", "-p", "vacancy", "-p", "ticket", "--bins"]);
        // Cargo runs tests in the folder of their package. No path is compiled in, so checkouts can
        // share a target folder.
        build.arg("--target-dir").arg(profile_dir.parent().unwrap());
        // Cargo sets these for this package. Build scripts would take them for a change of theirs
        // and rebuild.
        for (name, _) in std::env::vars_os() {
            if ["CARGO_PKG_", "CARGO_MANIFEST_"]
                .iter()
                .any(|of_package| name.to_string_lossy().starts_with(of_package))
            {
                build.env_remove(name);
            }
        }
        if profile_dir.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the services do not build");
        profile_dir
    });
    dir.join(name)
}

/// A port that nothing listens on.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A running service. It is killed when this is dropped.
pub struct Process {
    child: Child,
    base: String,
    port: u16,
    /// Time from its start to listening.
    pub started_in: Duration,
    logs: Vec<serde_json::Value>,
}

impl Process {
    /// The monolith on `data_dir`.
    pub async fn monolith(data_dir: &Path, env: &[(&str, &str)]) -> Self {
        Self::start(
            "ticket",
            &[&[("DEPLOYMENT_MODE", "monolith"), ("DATA_DIR", data_dir.to_str().unwrap())], env]
                .concat(),
        )
        .await
    }

    /// vacancy on `data_dir`.
    pub async fn vacancy(data_dir: &Path, env: &[(&str, &str)]) -> Self {
        Self::start("vacancy", &[&[("DATA_DIR", data_dir.to_str().unwrap())], env].concat()).await
    }

    /// ticket in front of the vacancy at `vacancy_url`.
    pub async fn ticket(vacancy_url: &str, env: &[(&str, &str)]) -> Self {
        Self::start("ticket", &[&[("VACANCY_URL", vacancy_url)], env].concat()).await
    }

    /// `name` with these variables and no other settings, on a free port unless one is given.
    pub async fn start(name: &str, env: &[(&str, &str)]) -> Self {
        Self::try_start(name, env)
            .await
            .unwrap_or_else(|status| panic!("{name} ended during its start: {status}"))
    }

    /// Like [`Process::start`], through another program such as `ip netns exec`; clients reach it
    /// at `host`.
    pub async fn start_by(by: &[&str], host: &str, name: &str, env: &[(&str, &str)]) -> Self {
        let started = Self::until(by, name, env, find_address).await;
        let mut process =
            started.unwrap_or_else(|status| panic!("{name} ended during its start: {status}"));
        process.base = format!("http://{host}:{}", process.port);
        process
    }

    /// Like [`Process::start`], but returns the exit status of a process that ends before it
    /// listens.
    pub async fn try_start(
        name: &str,
        env: &[(&str, &str)],
    ) -> Result<Self, std::process::ExitStatus> {
        Self::until(&[], name, env, find_address).await
    }

    /// A process that has logged `message`. It need not listen yet, so it has no address.
    pub async fn start_until_log(message: &str, name: &str, env: &[(&str, &str)]) -> Self {
        let logged = |log: &serde_json::Value| {
            (fields(log)["message"] == message).then(|| "127.0.0.1:0".to_owned())
        };
        Self::until(&[], name, env, logged)
            .await
            .unwrap_or_else(|status| panic!("{name} ended during its start: {status}"))
    }

    async fn until(
        by: &[&str],
        name: &str,
        env: &[(&str, &str)],
        address: impl Fn(&serde_json::Value) -> Option<String>,
    ) -> Result<Self, std::process::ExitStatus> {
        let binary = binary(name);
        let started = Instant::now();
        let mut words = by.iter().map(std::ffi::OsString::from).chain([binary.into_os_string()]);
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_clear().envs([
            ("ADMIN_TOKEN", ADMIN_TOKEN),
            ("SELLER_TOKEN", SELLER_TOKEN),
            ("GATE_TOKEN", GATE_TOKEN),
            ("HOST", "127.0.0.1"),
            ("JSON_LOGS", "true"),
            ("PATH", "/usr/bin:/bin:/usr/sbin:/sbin"),
            ("SHUTDOWN_DRAIN_S", "0.1"),
            ("TICKET_PORT", "0"),
            ("VACANCY_PORT", "0"),
            ("MONOLITH_PORT", "0"),
        ]);
        // An empty directory: no .env of the machine is read.
        command
            .envs(env.iter().copied())
            .current_dir(empty_dir())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut logs = Vec::new();
        let found = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                let log: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                if let Some(address) = address(&log) {
                    return Some(address);
                }
                logs.push(log);
            }
            None
        };
        let Some(address) =
            tokio::time::timeout(START_MAX, found).await.expect("it did not start in time")
        else {
            return Err(child.wait().await.unwrap());
        };
        // Later log lines must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        Ok(Self {
            child,
            base: format!("http://127.0.0.1:{port}"),
            port,
            started_in: started.elapsed(),
            logs,
        })
    }

    /// Its address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The messages it logged at `level` before it listened.
    pub fn logged(&self, level: &str) -> Vec<&str> {
        self.logs
            .iter()
            .filter(|log| log["level"] == level)
            .filter_map(|log| fields(log)["message"].as_str())
            .collect()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// A client for it.
    pub fn client(&self) -> Client {
        Client::new(&self.base)
    }

    /// Sends SIGKILL and waits for the end.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(
            std::process::Command::new("kill")
                .args([&format!("-{name}"), &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Sends SIGTERM and returns the exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        self.signal("TERM");
        tokio::time::timeout(Duration::from_secs(20), self.child.wait())
            .await
            .expect("it did not end")
            .unwrap()
            .code()
    }

    /// The value of a metric; `name` includes its labels. `None` if it does not exist.
    pub async fn metric(&self, name: &str) -> Option<f64> {
        let text = String::from_utf8(self.client().get("/metrics").await.bytes).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.map(|value| value.parse().unwrap())
    }

    /// Waits until it ends by itself; returns the exit code.
    pub async fn ended(mut self) -> Option<i32> {
        tokio::time::timeout(Duration::from_secs(20), self.child.wait())
            .await
            .expect("it did not end")
            .unwrap()
            .code()
    }
}

fn fields(log: &serde_json::Value) -> &serde_json::Value {
    if log["fields"].is_object() { &log["fields"] } else { log }
}

fn find_address(log: &serde_json::Value) -> Option<String> {
    let fields = fields(log);
    (fields["message"] == "listening")
        .then(|| fields["address"].as_str().map(str::to_owned))
        .flatten()
}

fn empty_dir() -> &'static Path {
    static DIR: OnceLock<TempDir> = OnceLock::new();
    DIR.get_or_init(|| tempfile::tempdir().unwrap()).path()
}
