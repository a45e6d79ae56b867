//! A server, its standby, and a pooler in front of it.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::{
    programs::{Program, command, directory, find, run},
    tls::{Authority, Certified, write_private},
};

/// A running server.
pub struct Server {
    dir: TempDir,
    port: u16,
    program: Option<Program>,
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Server {
    /// A new server with these lines in its configuration. It syncs to disk by default.
    pub fn start(settings: &[&str]) -> Self {
        let mut server = Self::initialized();
        server.configure(settings);
        server.launch();
        server
    }

    /// A new server with TLS and this certificate. `clients` signs the certificates of clients, and
    /// `access` has lines of pg_hba.conf. Connections through its socket may do everything.
    pub fn with_tls(certified: &Certified, clients: &Authority, access: &[&str]) -> Self {
        let mut server = Self::initialized();
        let data = server.data();
        write_private(&data.join("server.crt"), &certified.certificate);
        write_private(&data.join("server.key"), &certified.key);
        write_private(&data.join("clients.crt"), &clients.certificate());
        write_private(
            &data.join("pg_hba.conf"),
            &format!("local all all trust\n{}\n", access.join("\n")),
        );
        server.configure(&["fsync = off", "ssl = on", "ssl_ca_file = 'clients.crt'"]);
        server.launch();
        server
    }

    fn initialized() -> Self {
        let dir = directory();
        let server = Self { dir, port: free_port(), program: None };
        let data = server.data();
        run(
            "initdb",
            &[
                "-D",
                data.to_str().unwrap(),
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ],
            &server.log(),
        );
        server
    }

    /// One server for all tests of this process. It does not sync, because no test kills it.
    pub fn common() -> &'static Self {
        static COMMON: OnceLock<Server> = OnceLock::new();
        COMMON.get_or_init(|| {
            Self::start(&["fsync = off", "max_connections = 300", "shared_buffers = '64MB'"])
        })
    }

    /// A synchronous standby of this server.
    pub fn standby(&self) -> Self {
        let standby = Self { dir: directory(), port: free_port(), program: None };
        let (data, port) = (standby.data(), self.port.to_string());
        let args = [
            "-h",
            "127.0.0.1",
            "-p",
            &port,
            "-U",
            "postgres",
            "-D",
            data.to_str().unwrap(),
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        ];
        run("pg_basebackup", &args, &standby.log());
        standby
    }

    /// Appends lines to its configuration; the next start reads them.
    pub fn configure(&self, settings: &[&str]) {
        let path = self.data().join("postgresql.conf");
        let mut text = std::fs::read_to_string(&path).unwrap();
        for setting in settings {
            writeln!(text, "{setting}").unwrap();
        }
        std::fs::write(&path, text).unwrap();
    }

    /// Starts it and waits until it responds.
    pub fn launch(&mut self) {
        // A killed server leaves its socket and its lock file.
        let mut server = command(&find("postgres"), &self.log());
        server.arg("-D").arg(self.data()).args([
            "-p",
            &self.port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
        ]);
        server.arg("-c").arg(format!("unix_socket_directories={}", self.dir.path().display()));
        self.program = Some(Program::start(server));
        self.wait_until_it_answers();
    }

    fn wait_until_it_answers(&self) {
        let since = Instant::now();
        let mut ready = std::process::Command::new(find("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string(), "-t", "1"]);
        while !ready.status().unwrap().success() {
            assert!(
                since.elapsed() < Duration::from_secs(60),
                "no answer:\n{}",
                std::fs::read_to_string(self.log()).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of its socket.
    pub fn socket_dir(&self) -> &Path {
        self.dir.path()
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A URL through its socket, which accepts everybody.
    async fn connect(&self, database: &str) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config.host_path(self.socket_dir()).port(self.port).user("postgres").dbname(database);
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// Runs statements.
    pub async fn run(&self, database: &str, sql: &str) {
        let client = self.connect(database).await;
        client.batch_execute(sql).await.unwrap();
    }

    /// The first column of the first row.
    pub async fn ask(&self, database: &str, sql: &str) -> String {
        let client = self.connect(database).await;
        let messages = client.simple_query(sql).await.unwrap();
        let row = messages.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some(row.get(0).unwrap_or_default().to_owned())
            }
            _ => None,
        });
        row.unwrap_or_default()
    }

    /// Creates a database and returns its URL.
    pub async fn database(&self) -> String {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        self.run("postgres", &format!("CREATE DATABASE {name}")).await;
        self.url(&name)
    }

    /// Kills all its processes at once, as when a machine fails.
    pub fn kill(&mut self) {
        let Some(mut program) = self.program.take() else { return };
        // Stop the postmaster first, so that it starts no other process.
        program.signal("STOP");
        let children = children(program.id());
        // Kill the postmaster first: otherwise it begins to recover.
        program.signal("KILL");
        for child in &children {
            let _ = std::process::Command::new("kill")
                .args(["-KILL", &child.to_string()])
                .stderr(std::process::Stdio::null())
                .status();
        }
        program.wait();
        // No server starts in the same directory before all have ended.
        let since = Instant::now();
        while children.iter().any(|child| is_alive(*child)) {
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "a process of the server does not end"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Stops all its processes, or continues them.
    pub fn freeze(&self, frozen: bool) {
        let Some(program) = &self.program else { return };
        let signal = if frozen { "-STOP" } else { "-CONT" };
        for id in std::iter::once(program.id()).chain(children(program.id())) {
            let _ = std::process::Command::new("kill")
                .args([signal, &id.to_string()])
                .stderr(std::process::Stdio::null())
                .status();
        }
    }

    /// Promotes a standby, and waits until it accepts writes.
    pub fn promote(&self) {
        run("pg_ctl", &["promote", "-w", "-D", self.data().to_str().unwrap()], &self.log());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.freeze(false);
        self.kill();
    }
}

/// Whether a live process of PostgreSQL has this id. A zombie does not count.
fn is_alive(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat.contains("(postgres)") && !stat.contains(") Z ")
}

fn children(parent: u32) -> Vec<u32> {
    let list = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"))
        .unwrap_or_default();
    list.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// PgBouncer in transaction mode in front of `server`, and its port.
pub fn bouncer(server: &Server) -> (Program, u16, TempDir) {
    let (dir, port) = (directory(), free_port());
    let config = dir.path().join("pgbouncer.ini");
    let users = dir.path().join("users.txt");
    std::fs::write(&users, "\"postgres\" \"\"\n").unwrap();
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n\
         auth_file = {}\npool_mode = transaction\ndefault_pool_size = 10\nmax_client_conn = 200\nunix_socket_dir =\nlogfile = {}\n",
        server.port(),
        users.display(),
        dir.path().join("bouncer.log").display()
    );
    std::fs::write(&config, text).unwrap();
    let mut program = command(&find("pgbouncer"), &dir.path().join("out"));
    program.arg(&config);
    let program = Program::start(program);
    let since = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "{}",
            std::fs::read_to_string(dir.path().join("out")).unwrap_or_default()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    (program, port, dir)
}
