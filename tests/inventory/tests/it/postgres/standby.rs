//! Commits that wait for a synchronous standby.

use std::time::Duration;

use inventory_engine::EngineError;
use inventory_postgres::PostgresOptions;
use inventory_store::StoreError;
use test_postgres::Server;

use super::replica::{Replica, sold_by_ledger};
use crate::support::{keyed, reserve};

/// The server commits at home and waits for a standby that does not come: it may say "committed"
/// when it is disturbed in that.
#[tokio::test(flavor = "multi_thread")]
async fn sale_missing_on_the_standby_is_not_acknowledged() {
    let server = Server::start(&[]);
    let mut options = PostgresOptions::new(server.url("postgres").parse().unwrap());
    options.statement_timeout = Duration::from_millis(700);
    options.lock_timeout = Duration::from_millis(300);
    options.resolve_timeout = Duration::from_millis(1_500);
    let replica = Replica::start(&options).await;
    replica.created("default", 100).await;
    let waiting = async |names: &str| {
        let sql = format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'");
        server.run("postgres", &sql).await;
        server.run("postgres", "SELECT pg_reload_conf()").await;
        while server.ask("postgres", "SHOW synchronous_standby_names").await != names {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Backends read it between two statements.
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let buy = async |key: &str| replica.engine.submit(keyed(reserve("default", 1), key)).await;

    waiting("nobody").await;
    let timed_out = buy("timed out").await;
    assert!(matches!(timed_out, Err(EngineError::Store(StoreError::Unknown(_)))), "{timed_out:?}");
    waiting("").await;
    assert!(
        buy("timed out").await.unwrap().replayed,
        "it took effect, and is acknowledged when it is safe"
    );

    waiting("nobody").await;
    let (disturbed, ()) = tokio::join!(buy("disturbed"), async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        server.run("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'").await;
    });
    assert!(matches!(disturbed, Err(EngineError::Store(StoreError::Unknown(_)))), "{disturbed:?}");
    waiting("").await;
    assert!(buy("disturbed").await.unwrap().replayed);
    assert_eq!(sold_by_ledger(&replica.postgres, "default").await.0, 2);
}
