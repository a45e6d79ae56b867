//! Probes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use http_server::{
    health::{CheckResult, Health},
    healthcheck::{HealthcheckError, healthcheck},
};
use serde_json::json;

use crate::support::{Setup, ms};

#[tokio::test]
async fn probes_answer_as_documented() {
    let up = Arc::new(AtomicBool::new(true));
    let seen = up.clone();
    let health = Health::new("test").with_check("vacancy", move || {
        let up = seen.load(SeqCst);
        async move {
            if up {
                CheckResult::up().with_extra("seq", 7)
            } else {
                CheckResult::down("no connection")
            }
        }
    });
    let server = Setup { health: Some(health), ..Setup::default() }.start().await;
    for path in ["/health", "/api/v1/health", "/livez"] {
        assert_eq!(
            server.get(path).await.json(),
            json!({ "status": "healthy", "service": "test" })
        );
    }
    for path in ["/ready", "/readyz"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
        assert_eq!(
            answer.json(),
            json!({ "status": "ready", "dependencies": { "vacancy": "up" }, "seq": 7 })
        );
    }
    let port = server.address.port();
    assert!(healthcheck(port, "/ready").await.is_ok());

    up.store(false, SeqCst);
    let answer = server.get("/ready").await;
    let expected = json!({ "status": "not_ready", "dependencies": { "vacancy": "down" }, "reason": "vacancy is down: no connection" });
    assert_eq!((answer.status, answer.json()), (503, expected));
    assert!(matches!(healthcheck(port, "/ready").await, Err(HealthcheckError::Status(503))));
    assert_eq!(server.get("/health").await.status, 200, "the process itself lives");
    server.stop().await.expect("no panic");
    assert!(matches!(healthcheck(port, "/ready").await, Err(HealthcheckError::Io(_))));
}

#[tokio::test]
async fn a_dependency_that_hangs_is_down() {
    let health = Health::new("test").with_check_timeout(ms(100)).with_check("vacancy", || async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        CheckResult::up()
    });
    let server = Setup { health: Some(health), ..Setup::default() }.start().await;
    assert_eq!(server.get("/ready").await.json()["dependencies"]["vacancy"], "down");
}

#[tokio::test]
async fn stages_only_go_forward() {
    let health = Health::new("test");
    assert!(!health.readiness().await.ready);
    health.set_ready();
    assert!(health.readiness().await.ready);
    health.set_draining();
    health.set_ready();
    assert_eq!(health.readiness().await.body["status"], "draining");
}
