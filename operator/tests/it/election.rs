//! Leader election between two processes of the operator, with its real rights.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use serde_json::json;

use crate::support::{Cluster, apiserver::OPERATOR_TOKEN, eventually, kubelet, system};

struct Process {
    child: Child,
    http: u16,
    name: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    fn start(cluster: &Cluster, name: &str, lease: &str) -> Self {
        let http = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let child = Command::new(env!("CARGO_BIN_EXE_operator"))
            .arg("run")
            .env("KUBECONFIG", cluster.server.kubeconfig(OPERATOR_TOKEN))
            .env("WATCH_NAMESPACES", &cluster.namespace)
            .env("POD_NAMESPACE", "ticket-system")
            .env("POD_NAME", name)
            .env("LEASE_NAME", lease)
            .env("LEASE_DURATION_MS", "3000")
            .env("RENEW_DEADLINE_MS", "2000")
            .env("RETRY_PERIOD_MS", "300")
            .env("RESYNC_S", "2")
            .env("HTTP_ADDR", format!("127.0.0.1:{http}"))
            .env("LOG_LEVEL", "error")
            .stdout(Stdio::null())
            .spawn()
            .expect("the operator starts");
        Self { child, http, name: name.to_owned() }
    }

    async fn get(&self, path: &str) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.http)).await.ok()?;
        stream
            .write_all(
                format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes(),
            )
            .await
            .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        Some(answer)
    }

    async fn leads(&self) -> bool {
        self.get("/readyz").await.is_some_and(|answer| answer.ends_with("leading"))
    }
}

async fn holder(cluster: &Cluster, lease: &str) -> Option<String> {
    let leases: Api<Lease> = Api::namespaced(cluster.client.clone(), "ticket-system");
    leases.get_opt(lease).await.expect("an answer")?.spec?.holder_identity
}

#[tokio::test]
async fn standby_takes_over_from_a_killed_leader() {
    let cluster = Cluster::new().await;
    let _kubelet = kubelet::start(&cluster);
    let lease = format!("lease-{}", cluster.namespace);
    let first = Process::start(&cluster, "first", &lease);
    eventually("the first leads", || async {
        if first.leads().await { Ok(()) } else { Err(holder(&cluster, &lease).await) }
    })
    .await;
    let second = Process::start(&cluster, "second", &lease);
    eventually("the second is up", || async {
        second
            .get("/livez")
            .await
            .filter(|answer| answer.starts_with("HTTP/1.1 200"))
            .map(|_| ())
            .ok_or("not yet")
    })
    .await;
    cluster.apply(&system("shop", json!({}))).await;
    cluster.condition("shop", "Ready", "True").await;
    // Longer than the lease: without renewals, the standby would take over.
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(4) {
        assert!(first.leads().await && !second.leads().await, "exactly one leads");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let metrics = second.get("/metrics").await.expect("metrics");
    assert!(metrics.contains("ticket_operator_leader 0"), "{metrics}");
    assert!(!metrics.contains("verb=\"patch\""), "a standby writes nothing: {metrics}");
    let metrics = first.get("/metrics").await.expect("metrics");
    assert!(
        metrics.contains("ticket_operator_leader 1")
            && metrics.contains("ticket_operator_systems{ready=\"true\"} 1"),
        "{metrics}"
    );

    let killed = Instant::now();
    drop(first);
    eventually("the second leads", || async {
        if second.leads().await { Ok(()) } else { Err("not yet") }
    })
    .await;
    let took = killed.elapsed();
    assert!(took >= Duration::from_secs(2), "the lease was respected: {took:?}");
    assert_eq!(holder(&cluster, &lease).await.as_deref(), Some(second.name.as_str()));
    cluster.apply(&system("shop", json!({"mode": "monolith"}))).await;
    eventually("the second works", || async {
        let status = cluster.status("shop").await;
        if status.mode == Some(operator::api::Mode::Monolith) {
            Ok(())
        } else {
            Err(status.conditions)
        }
    })
    .await;
}

#[tokio::test]
async fn stopped_leader_releases_the_lease() {
    let cluster = Cluster::new().await;
    let lease = format!("lease-{}", cluster.namespace);
    let mut first = Process::start(&cluster, "first", &lease);
    eventually("it leads", || async { if first.leads().await { Ok(()) } else { Err("not yet") } })
        .await;
    let stopped = Command::new("kill")
        .args(["-TERM", &first.child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(stopped.success());
    let exit = tokio::task::spawn_blocking(move || first.child.wait())
        .await
        .expect("no panic")
        .expect("it ends");
    assert!(exit.success(), "{exit}");
    assert_eq!(
        holder(&cluster, &lease).await,
        None,
        "the next leader need not wait for the lease to expire"
    );
}
