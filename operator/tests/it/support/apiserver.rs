//! etcd and kube-apiserver on the loopback interface.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock},
    time::Duration,
};

use super::process::Process;

pub const ADMIN_TOKEN: &str = "admin";
/// Token of the operator's service account, with exactly the rights of `k8s/operator/rbac.yaml`.
pub const OPERATOR_TOKEN: &str = "operator";
const OPERATOR_USER: &str = "system:serviceaccount:ticket-system:ticket-system-operator";
const START_TIMEOUT: Duration = Duration::from_secs(60);

pub struct ApiServer {
    dir: tempfile::TempDir,
    pub url: String,
    command: Vec<String>,
    server: Mutex<Process>,
    _etcd: Process,
}

/// The directory with the binaries.
fn assets() -> &'static PathBuf {
    static ASSETS: OnceLock<PathBuf> = OnceLock::new();
    ASSETS.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("testenv/assets");
        let output = Command::new(&script).output().expect("operator/testenv/assets runs");
        assert!(
            output.status.success(),
            "no API server to test against: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        PathBuf::from(String::from_utf8(output.stdout).expect("a path").trim())
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
        .port()
}

impl ApiServer {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// Starts the API server with further flags.
    pub async fn start_with(flags: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = |name: &str| dir.path().join(name).display().to_string();
        let (client, peer, port) = (free_port(), free_port(), free_port());
        let etcd_url = format!("http://127.0.0.1:{client}");
        let peer_url = format!("http://127.0.0.1:{peer}");
        let binary = |name: &str| assets().join(name).display().to_string();
        let etcd = [
            binary("etcd"),
            format!("--data-dir={}", path("etcd")),
            format!("--listen-client-urls={etcd_url}"),
            format!("--advertise-client-urls={etcd_url}"),
            format!("--listen-peer-urls={peer_url}"),
            format!("--initial-advertise-peer-urls={peer_url}"),
            format!("--initial-cluster=default={peer_url}"),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=error".to_owned(),
        ];
        let key = rcgen::KeyPair::generate().expect("a key");
        std::fs::write(path("sa.key"), key.serialize_pem()).expect("the key is written");
        std::fs::write(path("sa.pub"), key.public_key_pem()).expect("the key is written");
        let tokens = format!(
            "{ADMIN_TOKEN},admin,admin,system:masters\n{OPERATOR_TOKEN},{OPERATOR_USER},operator,\"system:serviceaccounts,system:authenticated\"\n"
        );
        std::fs::write(path("tokens.csv"), tokens).expect("the tokens are written");
        let mut command = vec![
            binary("kube-apiserver"),
            format!("--etcd-servers={etcd_url}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", path("certs")),
            "--service-cluster-ip-range=10.0.0.0/16".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            format!("--token-auth-file={}", path("tokens.csv")),
            "--service-account-issuer=https://localhost".to_owned(),
            format!("--service-account-key-file={}", path("sa.pub")),
            format!("--service-account-signing-key-file={}", path("sa.key")),
            // No controller creates the service accounts.
            "--disable-admission-plugins=ServiceAccount".to_owned(),
        ];
        command.extend(flags.iter().map(|flag| (*flag).to_owned()));
        let _etcd = Process::start(&etcd, &dir.path().join("etcd.log"));
        let server = Mutex::new(Process::start(&command, &dir.path().join("kube-apiserver.log")));
        let server = Self { url: format!("https://127.0.0.1:{port}"), command, server, _etcd, dir };
        server.wait_until_ready().await;
        server
    }

    /// A client configuration with this token.
    pub fn config(&self, token: &str) -> kube::Config {
        let mut config = kube::Config::new(self.url.parse().expect("a URL"));
        config.accept_invalid_certs = true;
        config.auth_info.token = Some(token.to_owned().into());
        config
    }

    /// A kubeconfig with this token.
    pub fn kubeconfig(&self, token: &str) -> PathBuf {
        let path = self.dir.path().join(format!("{token}.kubeconfig"));
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters: [{{name: test, cluster: {{server: '{}', insecure-skip-tls-verify: true}}}}]\n\
             users: [{{name: test, user: {{token: {token}}}}}]\ncontexts: [{{name: test, context: {{cluster: test, user: test, namespace: default}}}}]\n",
            self.url
        );
        std::fs::write(&path, text).expect("the kubeconfig is written");
        path
    }

    /// Kills the API server. etcd keeps running.
    pub fn kill(&self) {
        self.server.lock().expect("the server").kill();
    }

    pub async fn start_again(&self) {
        *self.server.lock().expect("the server") =
            Process::start(&self.command, &self.dir.path().join("kube-apiserver.log"));
        self.wait_until_ready().await;
    }

    async fn wait_until_ready(&self) {
        let client = kube::Client::try_from(self.config(ADMIN_TOKEN)).expect("a client");
        let started = std::time::Instant::now();
        loop {
            let request = http::Request::get("/readyz").body(Vec::new()).expect("a request");
            match client.request_text(request).await {
                Ok(_) => return,
                Err(error) if started.elapsed() > START_TIMEOUT => {
                    let log = std::fs::read_to_string(self.dir.path().join("kube-apiserver.log"))
                        .unwrap_or_default();
                    panic!(
                        "the API server did not start: {error}\n{}",
                        &log[log.len().saturating_sub(4000)..]
                    );
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}
