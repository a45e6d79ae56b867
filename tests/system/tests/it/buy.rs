//! `ticket buy`, which smoke tests run in images without curl.

use std::process::{Output, Stdio};

use serde_json::json;
use system_tests::{Process, binary, free_port};

async fn buy(args: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(binary("ticket"));
    command
        .arg("buy")
        .args(args)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .await
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test]
async fn buy_prints_the_purchase() {
    let dir = tempfile::tempdir().unwrap();
    let monolith = Process::monolith(dir.path(), &[("INITIAL_STOCK", "5")]).await;
    let bought = buy(&["--url", monolith.base(), "--qty", "3"]).await;
    assert!(bought.status.success(), "{}", text(&bought.stderr));
    assert!(
        text(&bought.stdout).starts_with("bought 3, reservation ")
            && text(&bought.stdout).contains(", 2 left"),
        "{}",
        text(&bought.stdout)
    );
    assert_eq!(monolith.client().available().await, 2);

    let sold_out = buy(&["--url", monolith.base(), "--qty", "3", "--wait-s", "60"]).await;
    assert_eq!(sold_out.status.code(), Some(1), "sold out is not waited for");
    assert!(
        text(&sold_out.stderr).contains("Insufficient inventory, 2 left"),
        "{}",
        text(&sold_out.stderr)
    );
    let refused = buy(&["--url", monolith.base(), "--qty", "1000000000", "--wait-s", "60"]).await;
    assert!(text(&refused.stderr).contains("refused with 422"), "{}", text(&refused.stderr));
}

#[tokio::test]
async fn buy_follows_the_settings_of_the_service() {
    let dir = tempfile::tempdir().unwrap();
    let (monolith_port, ticket_port) = (free_port().to_string(), free_port().to_string());
    let monolith = Process::monolith(
        dir.path(),
        &[("MONOLITH_PORT", &monolith_port), ("INITIAL_STOCK", "100")],
    )
    .await;
    let ports = [("MONOLITH_PORT", monolith_port.as_str()), ("TICKET_PORT", &ticket_port)];
    let buy_with = async |env: &[(&str, &str)], dotenv: &str| {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".env"), dotenv).unwrap();
        let mut command = tokio::process::Command::new(binary("ticket"));
        command.arg("buy").env_clear().envs(env.iter().copied()).current_dir(dir.path());
        command.output().await.unwrap()
    };
    let monolith_mode = ("DEPLOYMENT_MODE", "monolith");
    for host in ["0.0.0.0", "::", "127.0.0.1", "localhost"] {
        let env = [&ports[..], &[monolith_mode, ("HOST", host)]].concat();
        let bought = buy_with(&env, "").await;
        assert!(bought.status.success(), "{host}: {}", text(&bought.stderr));
    }
    let dotenv = format!("DEPLOYMENT_MODE=monolith\nMONOLITH_PORT={monolith_port}\n");
    let bought = buy_with(&[], &dotenv).await;
    assert!(bought.status.success(), "{}", text(&bought.stderr));
    assert_eq!(monolith.client().available().await, 95);

    // In the other mode, the other port: nothing listens there.
    let other = buy_with(&ports, "").await;
    assert_eq!(other.status.code(), Some(1), "{}", text(&other.stderr));
    let ticket = Process::ticket(monolith.base(), &[("TICKET_PORT", ticket_port.as_str())]).await;
    let bought = buy_with(&ports, "").await;
    assert!(bought.status.success(), "{}", text(&bought.stderr));
    drop(ticket);

    for (env, line) in [
        ([monolith_mode, ("MONOLITH_PORT", "0")], "MONOLITH_PORT: the service chose its port"),
        ([monolith_mode, ("MONOLITH_PORT", "x")], "MONOLITH_PORT: \"x\" is not accepted"),
        ([("DEPLOYMENT_MODE", "both"), monolith_mode], ""),
    ] {
        let refused = buy_with(&env[..if line.is_empty() { 1 } else { 2 }], "").await;
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
        assert!(text(&refused.stderr).starts_with(line), "{}", text(&refused.stderr));
    }
    // With a URL, no setting counts.
    let url = ["--url", monolith.base()];
    let given = tokio::process::Command::new(binary("ticket"))
        .arg("buy")
        .args(url)
        .env_clear()
        .env("DEPLOYMENT_MODE", "both")
        .output()
        .await
        .unwrap();
    assert!(given.status.success(), "{}", text(&given.stderr));
}

#[tokio::test]
async fn buy_waits_for_the_system_and_buys_once() {
    let dir = tempfile::tempdir().unwrap();
    let port = free_port();
    let url = format!("http://127.0.0.1:{port}");
    let gave_up = buy(&["--url", &url]).await;
    assert_eq!(gave_up.status.code(), Some(1));
    assert!(text(&gave_up.stderr).contains("1 tries with key"), "{}", text(&gave_up.stderr));

    let args = ["--url", &url, "--wait-s", "120"];
    let waiting = buy(&args);
    let starting = async {
        // ticket alone first: it responds with 503 until vacancy runs.
        let vacancy_port = free_port();
        let ticket_port = port.to_string();
        let ticket = Process::ticket(
            &format!("http://127.0.0.1:{vacancy_port}"),
            &[("TICKET_PORT", &ticket_port)],
        )
        .await;
        let refused = ticket.client().post("/api/v1/purchase", json!({"qty": 1})).await;
        assert_eq!(refused.status, 503);
        let vacancy = Process::vacancy(
            dir.path(),
            &[("INITIAL_STOCK", "7"), ("VACANCY_PORT", &vacancy_port.to_string())],
        )
        .await;
        (ticket, vacancy)
    };
    let (bought, (_ticket, vacancy)) = tokio::join!(waiting, starting);
    // The purchase completes after both have started.
    assert!(bought.status.success(), "{}", text(&bought.stderr));
    assert_eq!(vacancy.client().available().await, 6, "{}", text(&bought.stdout));
}
