//! `kill -9` of the process that decides.

use std::time::Duration;

use serde_json::json;
use system_tests::binary;

use super::{
    Customer, EVENT, FAR, Mode, SOON, System,
    documents::{verify_ledger, verify_public},
    draw, put_draw, records, until, until_revealed,
};

/// `vacancy verify` of the stopped system.
async fn audit(system: &mut System) {
    system.stop().await;
    let mut command = tokio::process::Command::new(binary("vacancy"));
    command.env_clear().env("DATA_DIR", system.data()).arg("verify");
    let output = command.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("places in waiting rooms"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn draw_that_was_frozen_is_revealed_once_after_a_crash() {
    // The draw waits for its beacon, so that it is killed in between.
    let env = [
        ("QUEUE_BEACON_URLS", "http://127.0.0.1:9"),
        ("QUEUE_BEACON_ALLOW_HTTP", "true"),
        // A round that is published before the freeze is a finding.
        ("QUEUE_BEACON_DELAY_S", "2"),
        ("QUEUE_BEACON_WAIT_S", "5"),
    ];
    for mode in Mode::BOTH {
        let mut system = System::start(mode, &env).await;
        put_draw(&system.admin(), EVENT, 20, FAR, &json!({})).await;
        Customer::crowd(&system.client(), EVENT, 9).await;
        put_draw(&system.admin(), EVENT, 20, SOON, &json!({})).await;
        let client = system.client();
        until("the draw is frozen", async || draw(&client, EVENT).await["frozen"].is_object())
            .await;
        let frozen = draw(&client, EVENT).await;
        assert!(frozen.get("revealed").is_none(), "{frozen}");
        system.kill_inside().await;
        system.restart().await;
        let client = system.client();
        let revealed = until_revealed(&client, EVENT).await;
        assert_eq!(revealed["frozen"], frozen["frozen"], "{mode:?}");
        assert_eq!(revealed["committed"], frozen["committed"]);
        until("all are called", async || draw(&client, EVENT).await["serving"] == 9).await;
        for one in Customer::crowd(&client, EVENT, 9).await {
            one.hold(1).await;
        }
        for kind in ["draw_frozen", "draw_revealed"] {
            assert_eq!(records(&system.admin(), EVENT, kind).await.len(), 1, "{kind}");
        }
        assert_eq!(verify_ledger(system.inside(), EVENT).await.holds, 9);
        audit(&mut system).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_during_a_crash_is_made_up_for() {
    for mode in Mode::BOTH {
        let mut system = System::start(mode, &[]).await;
        put_draw(&system.admin(), EVENT, 20, FAR, &json!({})).await;
        Customer::crowd(&system.client(), EVENT, 3).await;
        put_draw(&system.admin(), EVENT, 20, 1_500, &json!({})).await;
        system.kill_inside().await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        system.restart().await;
        let client = system.client();
        // The first to join after the opening takes no part.
        let late = Customer::join(&client, EVENT, "late").await;
        let revealed = until_revealed(&client, EVENT).await;
        assert_eq!(revealed["frozen"]["n"], 3, "{mode:?}");
        assert_eq!(late.status().await["n"], 4);
        verify_ledger(system.inside(), EVENT).await;
        audit(&mut system).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_while_places_are_called_call_nobody_twice() {
    const CROWD: usize = 60;
    let env = [("QUEUE_CALLS_PER_S", "10"), ("QUEUE_CALLS_PER_S_MAX", "10")];
    for mode in Mode::BOTH {
        let mut system = System::start(mode, &env).await;
        let queue = json!({"claim_ttl_s": 300});
        put_draw(&system.admin(), EVENT, 200, FAR, &queue).await;
        let crowd = Customer::crowd(&system.client(), EVENT, CROWD).await;
        put_draw(&system.admin(), EVENT, 200, SOON, &queue).await;
        until_revealed(&system.client(), EVENT).await;
        let (mut turns, mut serving) = (Vec::new(), 0);
        for _ in 0..3 {
            let client = system.client();
            let before = serving;
            until("more are called", async || {
                draw(&client, EVENT).await["serving"].as_u64().unwrap() > before
            })
            .await;
            serving = draw(&client, EVENT).await["serving"].as_u64().unwrap();
            system.kill_inside().await;
            system.restart().await;
            let now = draw(&system.client(), EVENT).await["serving"].as_u64().unwrap();
            assert!(now >= serving, "{now} after {serving}");
            serving = now;
        }
        let client = system.client();
        for one in crowd {
            let one = Customer { client: client.clone(), ..one };
            one.hold(1).await;
            turns.push(one.status().await["n"].as_u64().unwrap());
        }
        turns.sort_unstable();
        let all: Vec<u64> = (1..=CROWD as u64).collect();
        assert_eq!(turns, all, "{mode:?}");
        let called = records(&system.admin(), EVENT, "queue_called").await;
        assert!(called.len() > 3, "{called:?}");
        let report = verify_public(&client, EVENT, 7).await;
        assert_eq!(report.serving, CROWD as u64);
        let ledger = verify_ledger(system.inside(), EVENT).await;
        assert_eq!((ledger.passes, ledger.holds), (CROWD as u64, CROWD as u64));
        audit(&mut system).await;
    }
}
