//! The sync ends before the response is written, as seen by the kernel.

use std::time::Duration;

use fault_tests::{Traced, require};

use crate::support::Buyers;

#[tokio::test(flavor = "multi_thread")]
async fn sale_is_synced_before_its_response_is_written() {
    const SALES: usize = 50;
    require("strace", "strace");
    let home = tempfile::tempdir().unwrap();
    let trace = home.path().join("trace");
    let calls = ["-s", "400", "-e", "trace=fdatasync,fsync,write,writev,sendto,sendmsg"];
    let traced = Traced::start(&home.path().join("data"), &trace, &calls).await;
    let client = traced.client().unwrap();
    let buyers = Buyers::default();
    for _ in 0..SALES {
        assert!(buyers.buy(&client, "/api/v1/reserve").await);
    }
    let path = traced.trace.clone();
    traced.kill().await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let text = std::fs::read_to_string(path).unwrap();
    let (mut synced, mut answers) = (false, 0);
    for line in text.lines() {
        // A sync counts when it has succeeded, a response when its write begins.
        let sync_ended = line.contains("sync") && line.trim_end().ends_with("= 0");
        let answer_begins = line.contains("HTTP/1.1 200") && line.contains("reservation_id");
        synced |= sync_ended;
        if answer_begins {
            assert!(synced, "a response was written before its sync had ended: {line}");
            (synced, answers) = (false, answers + 1);
        }
    }
    assert_eq!(answers, SALES, "the trace does not show every response");
    println!("{answers} responses, each after the end of a sync of its own");
}
