//! Settings: sources, and errors of one line.

use std::process::Command;

use serde_json::json;
use system_tests::{Process, binary};

fn refused(name: &str, env: &[(&str, &str)]) -> String {
    let output = Command::new(binary(name))
        .env_clear()
        .envs(env.iter().copied())
        .current_dir("/")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{env:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn invalid_value_is_one_line_with_the_variable() {
    let cases = [
        ("INITIAL_STOCK", "many"),
        ("INITIAL_STOCK", "-1"),
        ("VACANCY_PORT", "70000"),
        ("LOG_LEVEL", "LOUD"),
        ("JSON_LOGS", "perhaps"),
        ("DEPLOYMENT_MODE", "both"),
        ("HOLD_TTL_S", "4000"),
        ("ADMIN_TOKEN", "short"),
        ("STORE_URL", "mysql://user:secret@db/x"),
        ("MAX_QTY", "0"),
    ];
    for (variable, value) in cases {
        for name in ["vacancy", "ticket"] {
            let line = refused(name, &[(variable, value)]);
            assert!(
                line.starts_with(&format!("{variable}: ")) && line.trim_end().lines().count() == 1,
                "{line}"
            );
            assert!(!line.contains("secret") && !line.contains("short"), "{line}");
        }
    }
    for name in ["vacancy", "ticket"] {
        let line = refused(name, &[("COMMIT_QUEUE_MAX", "100"), ("RESERVE_BATCH_MAX", "101")]);
        assert!(
            line.starts_with("RESERVE_BATCH_MAX: ") && line.contains("COMMIT_QUEUE_MAX"),
            "{line}"
        );
    }
    for (variable, value) in [
        ("VACANCY_URL", "vacancy:8001"),
        ("VACANCY_URL", "http://u:secret@v:1"),
        ("VACANCY_TIMEOUT", "0"),
        ("HTTP_KEEPALIVE_CONNECTIONS", "101"),
    ] {
        let line = refused("ticket", &[(variable, value)]);
        assert!(line.starts_with(&format!("{variable}: ")) && !line.contains("secret"), "{line}");
    }
    for timeouts in [
        [("VACANCY_TIMEOUT", "10"), ("REQUEST_TIMEOUT_S", "10")],
        [("VACANCY_TIMEOUT", "2.0"), ("REQUEST_TIMEOUT_S", "1.5")],
    ] {
        let line = refused("ticket", &timeouts);
        assert!(
            line.starts_with("VACANCY_TIMEOUT: ") && line.contains("REQUEST_TIMEOUT_S"),
            "{line}"
        );
    }
}

#[test]
fn unusable_host_is_one_line_and_exit_2() {
    let dir = tempfile::tempdir().unwrap();
    for host in [
        "[::1]",
        "127.0.0.1:80",
        "two words",
        "http://localhost",
        "127.0.0.256",
        "no-such-host.invalid",
        "192.0.2.1",
        "2001:db8::1",
    ] {
        for (name, mode) in
            [("vacancy", "microservices"), ("ticket", "microservices"), ("ticket", "monolith")]
        {
            let output = Command::new(binary(name))
                .env_clear()
                .envs([
                    ("HOST", host),
                    ("DEPLOYMENT_MODE", mode),
                    ("DATA_DIR", dir.path().to_str().unwrap()),
                    ("VACANCY_PORT", "0"),
                    ("TICKET_PORT", "0"),
                    ("MONOLITH_PORT", "0"),
                ])
                .current_dir(dir.path())
                .output()
                .unwrap();
            let line = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{name} {mode} {host}: {line}");
            assert!(line.starts_with("HOST: ") && line.contains(host), "{line}");
            assert_eq!(line.lines().count(), 1, "{line}");
        }
    }
}

#[tokio::test]
async fn usual_forms_of_host_are_served() {
    for host in ["", "::", "0.0.0.0", "localhost", "127.0.0.1"] {
        let dir = tempfile::tempdir().unwrap();
        let vacancy = Process::vacancy(dir.path(), &[("HOST", host)]).await;
        assert_eq!(vacancy.client().available().await, 1_000, "{host:?}");
        assert_eq!(vacancy.terminate().await, Some(0));
    }
}

#[test]
fn help_lists_every_setting() {
    for (name, count) in [("vacancy", 40), ("ticket", 46)] {
        let output = Command::new(binary(name)).arg("--help").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success());
        for variable in [
            "DEPLOYMENT_MODE",
            "DATA_DIR",
            "ADMIN_TOKEN",
            "INITIAL_STOCK",
            "LOG_LEVEL",
            "MAX_BODY_BYTES",
            "COMMIT_QUEUE_MAX",
        ] {
            assert!(text.contains(variable), "{variable}");
        }
        let named = text
            .lines()
            .filter(|line| {
                line.trim_start()
                    .split(' ')
                    .next()
                    .is_some_and(|word| word.len() > 3 && word == word.to_uppercase())
            })
            .count();
        assert!(named >= count, "{named} settings in\n{text}");
    }
}

#[tokio::test]
async fn environment_overrides_dotenv_in_any_case() {
    let (dir, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(dir.path().join(".env"), "initial_stock=77\nENVIRONMENT=staging\n").unwrap();
    let shell = format!("cd {} && exec {}", dir.path().display(), binary("vacancy").display());
    let port = system_tests::free_port().to_string();
    let mut child = Command::new("sh")
        .args(["-c", &shell])
        .env_clear()
        .envs([
            ("HOST", "127.0.0.1"),
            ("vacancy_port", &port),
            ("DATA_DIR", data.path().to_str().unwrap()),
            ("environment", "production"),
        ])
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let client = system_tests::Client::new(&format!("http://127.0.0.1:{port}"));
    let mut start = None;
    for _ in 0..200 {
        if let Ok(answer) = client.call(reqwest::Method::GET, "/", &[], None).await {
            start = Some(answer.json());
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let qty = client.available().await;
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((start.unwrap()["environment"].as_str(), qty), (Some("production"), 77));
}

#[tokio::test]
async fn healthcheck_exit_code_reports_readiness() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[]).await;
    let port = vacancy.port().to_string();
    let check = |name: &str, variable: &str| {
        Command::new(binary(name))
            .arg("healthcheck")
            .env_clear()
            .env(variable, &port)
            .status()
            .unwrap()
            .code()
    };
    assert_eq!(
        (check("vacancy", "VACANCY_PORT"), check("ticket", "TICKET_PORT")),
        (Some(0), Some(0))
    );
    vacancy.client().post("/api/v1/reserve", json!({"qty": 1})).await;
    vacancy.kill().await;
    assert_eq!(check("vacancy", "VACANCY_PORT"), Some(1));
}

#[tokio::test]
async fn data_directory_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::vacancy(dir.path(), &[]).await;
    let second = Process::try_start(
        "vacancy",
        &[("DATA_DIR", dir.path().to_str().unwrap()), ("DATA_DIR_WAIT_S", "0.2")],
    )
    .await;
    assert_eq!(second.err().and_then(|status| status.code()), Some(1));
    assert_eq!(first.client().post("/api/v1/reserve", json!({"qty": 1})).await.status, 200);
}

#[tokio::test]
async fn start_waits_for_the_data_directory() {
    let dir = tempfile::tempdir().unwrap();
    let first = Process::vacancy(dir.path(), &[]).await;
    assert_eq!(first.client().post("/api/v1/reserve", json!({"qty": 1})).await.status, 200);
    let leave = async {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        first.kill().await;
    };
    let (second, ()) = tokio::join!(Process::vacancy(dir.path(), &[]), leave);
    assert_eq!(second.client().get("/api/v1/available").await.json()["qty"], 999);
}
