//! The programs of PostgreSQL, run as a user other than root.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

/// The path of a program of PostgreSQL: in the folders of Debian, or in PATH.
pub fn find(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    folders.extend(["/usr/sbin".into(), "/usr/local/bin".into()]);
    // Debian's folders first: its programs in PATH are wrappers that need a Debian cluster.
    let found = folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing: install PostgreSQL and PgBouncer, such as 'apt-get install postgresql pgbouncer'"))
}

/// The user of servers when this process runs as root: they refuse to run as root.
pub fn owner() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(
        ids("postgres")
            .or_else(|| ids("nobody"))
            .expect("a user 'postgres' or 'nobody' to run servers as"),
    )
}

/// A directory that belongs to the user of servers.
pub fn directory() -> tempfile::TempDir {
    let dir = tempfile::Builder::new().prefix("test-postgres-").tempdir().unwrap();
    if let Some((user, group)) = owner() {
        std::os::unix::fs::chown(dir.path(), Some(user), Some(group)).unwrap();
    }
    dir
}

/// A command that runs as the user of servers, and ends with this process.
pub fn command(program: &Path, log: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if let Some((user, group)) = owner() {
        command.args([&format!("--reuid={user}"), &format!("--regid={group}"), "--clear-groups"]);
    }
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
    command
        .arg("--")
        .arg(program)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    command.current_dir("/").env("LC_ALL", "C");
    command
}

/// Runs a command to its end.
pub fn run(program: &str, args: &[&str], log: &Path) {
    let status = command(&find(program), log)
        .args(args)
        .status()
        .expect("setpriv is missing: install util-linux");
    assert!(
        status.success(),
        "{program} failed:\n{}",
        std::fs::read_to_string(log).unwrap_or_default()
    );
}

/// A program in the background.
pub struct Program {
    child: Child,
}

impl Program {
    /// Starts it. The signal at the end of this process comes from the thread that started the
    /// program, so that thread never ends.
    pub fn start(mut command: Command) -> Self {
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            sender.send(command.spawn()).unwrap();
            loop {
                std::thread::park();
            }
        });
        Self { child: receiver.recv().unwrap().expect("setpriv is missing: install util-linux") }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal by name.
    pub fn signal(&self, name: &str) {
        let _ = Command::new("kill")
            .args([&format!("-{name}"), &self.id().to_string()])
            .stderr(Stdio::null())
            .status();
    }

    /// Waits for its end.
    pub fn wait(&mut self) {
        let since = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(since.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.signal("CONT");
        self.signal("KILL");
        let _ = self.child.wait();
    }
}
