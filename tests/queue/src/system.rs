//! The processes: started on fixed ports of 127.0.0.1, killed with SIGKILL, started again.

use std::{
    fs::OpenOptions,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rand::{RngExt, rngs::StdRng};
use signing::SigningKeys;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::{
    error::Error,
    http::{ADMIN, Call, Http},
    target::{Places, Target},
};

const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(20);

/// A program that can be killed and started again.
pub struct Process {
    pub name: &'static str,
    binary: PathBuf,
    env: Vec<(String, String)>,
    folder: PathBuf,
    child: Option<Child>,
    ended: Vec<ExitStatus>,
}

impl Process {
    pub fn start(&mut self) -> Result<(), Error> {
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let child = Command::new(&self.binary)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            // An empty directory: no .env of the machine is read.
            .current_dir(&self.folder)
            .stdout(Stdio::from(log.try_clone()?))
            .stderr(Stdio::from(log))
            .kill_on_drop(true)
            .spawn()?;
        self.child = Some(child);
        Ok(())
    }

    /// Whether it was alive. An end that nobody caused is noted.
    pub async fn kill(&mut self) -> Result<bool, Error> {
        let Some(mut child) = self.child.take() else { return Ok(false) };
        if let Some(status) = child.try_wait()? {
            self.ended.push(status);
            return Ok(false);
        }
        child.kill().await?;
        Ok(true)
    }

    async fn stop(&mut self) -> Result<(), Error> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if let Some(status) = child.try_wait()? {
            self.ended.push(status);
            return Ok(());
        }
        if let Some(id) = child.id() {
            Command::new("kill").arg(id.to_string()).status().await?;
        }
        if timeout(STOP_MAX, child.wait()).await.is_err() {
            child.kill().await?;
        }
        Ok(())
    }

    pub fn id(&self) -> Option<u32> {
        self.child.as_ref().and_then(Child::id)
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    /// What no fault outside the process may cause.
    fn complaints(&self) -> Result<Vec<String>, Error> {
        let log = std::fs::read(self.log())?;
        let log = String::from_utf8_lossy(&log);
        let bad = |line: &&str| line.contains("panicked") || line.contains("\"level\":\"ERROR\"");
        let lines = log.lines().filter(bad).take(3).map(|line| format!("{}: {line}", self.name));
        let ends = self.ended.iter().map(|end| format!("{} ended by itself: {end}", self.name));
        Ok(lines.chain(ends).collect())
    }
}

/// All processes, and how to reach them.
pub struct System {
    pub processes: Vec<Process>,
    /// Where people call.
    pub public: String,
    /// Where the administrator calls.
    pub admin: String,
    data: PathBuf,
    binaries: PathBuf,
    folder: PathBuf,
}

impl System {
    /// Starts `target` with a new data directory in `folder`, and `env` beside what it needs.
    pub async fn start(
        target: Target,
        places: &Places,
        folder: &Path,
        generator: &mut StdRng,
        env: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let binaries = places.bin.canonicalize()?;
        let (data, keys) = (folder.join("data"), folder.join("signing-keys.json"));
        std::fs::write(&keys, SigningKeys::generate(generator.random()))?;
        let (one, two) = (free_port(), free_port());
        let (public, admin) = match target {
            Target::Monolith => (one, one),
            Target::Services => (one, two),
        };
        let (public, admin) =
            (format!("http://127.0.0.1:{public}"), format!("http://127.0.0.1:{admin}"));
        let process = |name, binary: &str, own: &[(&str, &str)]| {
            let port = if name == "vacancy" { two } else { one }.to_string();
            let keys = keys.to_string_lossy();
            let all = [
                ("HOST", "127.0.0.1"),
                ("PATH", "/usr/bin:/bin"),
                ("JSON_LOGS", "true"),
                ("SHUTDOWN_DRAIN_S", "0"),
                ("ADMIN_TOKEN", ADMIN),
                ("SIGNING_KEYS_FILE", &keys),
                ("MONOLITH_PORT", &port),
                ("TICKET_PORT", &port),
                ("VACANCY_PORT", &port),
            ];
            let all = all.iter().chain(own).chain(env);
            Process {
                name,
                binary: binaries.join(binary),
                env: all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
                folder: folder.to_owned(),
                child: None,
                ended: Vec::new(),
            }
        };
        let dir = data.to_string_lossy();
        let processes = match target {
            Target::Monolith => {
                let own = [("DATA_DIR", &*dir), ("DEPLOYMENT_MODE", "monolith")];
                vec![process("monolith", "ticket", &own)]
            }
            Target::Services => vec![
                process("vacancy", "vacancy", &[("DATA_DIR", &dir)]),
                process("ticket", "ticket", &[("VACANCY_URL", &admin)]),
            ],
        };
        let folder = folder.to_owned();
        let mut system = Self { processes, public, admin, data: data.clone(), binaries, folder };
        for process in &mut system.processes {
            process.start()?;
        }
        for at in [&system.admin, &system.public] {
            system.wait(at).await?;
        }
        Ok(system)
    }

    async fn wait(&self, base: &str) -> Result<(), Error> {
        let (http, since) = (Http::new(base)?, Instant::now());
        while since.elapsed() < START_MAX {
            let ready = http.once(&Call::get("/ready")).await;
            if ready.is_ok_and(|reply| reply.status == 200) {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
        let name = if base == self.public { "the public door" } else { "vacancy" };
        let logs = self.processes.iter().filter_map(|one| std::fs::read_to_string(one.log()).ok());
        Err(Error::NotStarted(name, logs.collect()))
    }

    /// Ends all processes; what their logs complain about.
    pub async fn stop(&mut self) -> Result<Vec<String>, Error> {
        let mut complaints = Vec::new();
        for process in self.processes.iter_mut().rev() {
            process.stop().await?;
            complaints.extend(process.complaints()?);
        }
        Ok(complaints)
    }

    /// `verify` of the stopped data directory: exit code and last line.
    pub async fn verify(&self) -> Result<(Option<i32>, String), Error> {
        let by = if self.processes.len() > 1 { "vacancy" } else { "ticket" };
        let verified = Command::new(self.binaries.join(by))
            .args(["verify", "--data-dir"])
            .arg(&self.data)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .current_dir(&self.folder)
            .output();
        let output = verified.await?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rfind(|line| !line.is_empty()).unwrap_or_default();
        Ok((output.status.code(), format!("{by} verify: {last}")))
    }
}

/// A port that no connection of the machine gets by itself while its process is dead. It does not
/// follow from the seed: two runs at once must not meet.
fn free_port() -> u16 {
    loop {
        let port = rand::rng().random_range(20_000..30_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
