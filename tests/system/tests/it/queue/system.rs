//! A system with signing keys.

use std::{fs, path::PathBuf, time::Duration};

use signing::SigningKeys;
use system_tests::{Client, Process, free_port, until};
use tempfile::TempDir;

/// How the system is deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Monolith,
    Services,
}

impl Mode {
    pub const BOTH: [Self; 2] = [Self::Monolith, Self::Services];
}

/// A system with signing keys in a file.
pub struct System {
    mode: Mode,
    env: Vec<(String, String)>,
    port: u16,
    dir: TempDir,
    /// What customers call: ticket or the monolith.
    door: Option<Process>,
    vacancy: Option<Process>,
}

impl System {
    pub async fn start(mode: Mode, env: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("keys.json"), SigningKeys::generate(rand::random())).unwrap();
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let env = env.iter().map(own).collect();
        let port = free_port();
        let mut system = Self { mode, env, port, dir, door: None, vacancy: None };
        system.restart().await;
        system
    }

    /// Starts what is not running.
    pub async fn restart(&mut self) {
        let keys = self.keys().to_str().unwrap().to_owned();
        let port = self.port.to_string();
        let mut env: Vec<_> =
            self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        env.push(("SIGNING_KEYS_FILE", &keys));
        match self.mode {
            Mode::Monolith if self.door.is_some() => {}
            Mode::Monolith => self.door = Some(Process::monolith(&self.data(), &env).await),
            Mode::Services => {
                env.push(("VACANCY_PORT", &port));
                if self.vacancy.is_none() {
                    self.vacancy = Some(Process::vacancy(&self.data(), &env).await);
                }
                if self.door.is_none() {
                    let url = format!("http://127.0.0.1:{}", self.port);
                    self.door = Some(Process::ticket(&url, &env).await);
                }
                let door = self.door.as_ref().unwrap();
                until("ticket is subscribed", Duration::from_secs(60), async || {
                    door.metric("vacancy_readings_live").await == Some(1.0)
                })
                .await;
            }
        }
    }

    /// Kills the process that decides.
    pub async fn kill_inside(&mut self) {
        let inside = match self.mode {
            Mode::Monolith => self.door.take(),
            Mode::Services => self.vacancy.take(),
        };
        inside.unwrap().kill().await;
    }

    /// Kills all processes and starts them again.
    pub async fn kill_all(&mut self) {
        for process in [self.door.take(), self.vacancy.take()].into_iter().flatten() {
            process.kill().await;
        }
        self.restart().await;
    }

    /// Ends the process that decides, so that its data directory can be read.
    pub async fn stop(&mut self) {
        for process in [self.door.take(), self.vacancy.take()].into_iter().flatten() {
            assert_eq!(process.terminate().await, Some(0));
        }
    }

    pub fn door(&self) -> &Process {
        self.door.as_ref().unwrap()
    }

    pub fn inside(&self) -> &Process {
        self.vacancy.as_ref().unwrap_or_else(|| self.door())
    }

    /// As customers call it.
    pub fn client(&self) -> Client {
        self.door().client()
    }

    /// As administrators call it.
    pub fn admin(&self) -> Client {
        self.inside().client()
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn keys(&self) -> PathBuf {
        self.dir.path().join("keys.json")
    }
}
