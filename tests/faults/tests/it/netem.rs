//! A real network between the services, with lost, late, duplicated and reordered packets, and
//! with partitions.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use fault_tests::{Impairment, Netem, require};
use system_tests::Process;

use crate::support::{Buyers, env_or};

/// Duration of each impairment and of each partition.
fn duration() -> Duration {
    Duration::from_secs(env_or("LASTS_S", 3))
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_network_keeps_every_answer_right() {
    require("ip", "iproute2");
    let network = Netem::start(1).await;
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let env = [("DATA_DIR", data_dir), ("INITIAL_STOCK", "1000000"), ("HOST", "0.0.0.0")];
    let vacancy = Process::start_by(&network.at_far(), Netem::FAR_FROM_HERE, "vacancy", &env).await;
    let vacancy_url = format!("http://{}:{}", Netem::FAR, vacancy.port());
    let env =
        [("VACANCY_URL", vacancy_url.as_str()), ("VACANCY_TIMEOUT", "1"), ("HOST", "0.0.0.0")];
    let ticket = Process::start_by(&network.at_near(), Netem::NEAR_FROM_HERE, "ticket", &env).await;
    let (client, buyers) = (ticket.client(), Buyers::default());
    let clear = Impairment::default();
    let impairments = [
        ("clear", clear),
        ("2 % lost", Impairment { loss: 0.02, ..clear }),
        ("15 % lost", Impairment { loss: 0.15, ..clear }),
        ("20 to 40 ms late", Impairment { delay_ms: 40, ..clear }),
        ("20 % duplicated", Impairment { duplicate: 0.2, ..clear }),
        ("25 % out of order", Impairment { reorder: 0.25, ..clear }),
        (
            "all together",
            Impairment { loss: 0.05, duplicate: 0.1, reorder: 0.1, delay_ms: 20, ..clear },
        ),
    ];
    for (name, impairment) in impairments {
        network.set(impairment);
        let (before, since) = (buyers.answered(), Instant::now());
        while since.elapsed() < duration() {
            buyers.rush(&client, "/api/v1/purchase", 4, 5).await;
        }
        let (known, asked) = buyers.answered();
        println!("{name}: {} of {} purchases answered", known - before.0, asked - before.1);
        assert!(known > before.0, "{name}: nothing was sold at all");
    }
    let mut slowest = Duration::ZERO;
    for (name, drop_forward, drop_backward) in [
        ("both directions", true, true),
        ("to vacancy", true, false),
        ("from vacancy", false, true),
    ] {
        for length in [duration() / 6, duration()] {
            network.set(Impairment { drop_forward, drop_backward, ..clear });
            let since = Instant::now();
            while since.elapsed() < length {
                buyers.rush(&client, "/api/v1/purchase", 4, 2).await;
                // An open breaker refuses immediately: do not ask thousands of times.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            network.set(clear);
            let healing = Instant::now();
            while !buyers.buy(&client, "/api/v1/purchase").await {
                assert!(
                    healing.elapsed() < Duration::from_secs(20),
                    "partition {name}: no sale within 20 s"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            println!(
                "partition {name} for {} ms: sells again after {} ms",
                length.as_millis(),
                healing.elapsed().as_millis()
            );
            slowest = slowest.max(healing.elapsed());
        }
    }
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let (all, lost, duplicated, reordered) = (
        count(&network.packets.all),
        count(&network.packets.lost),
        count(&network.packets.duplicated),
        count(&network.packets.reordered),
    );
    println!(
        "{all} packets: {lost} lost, {duplicated} duplicated, {reordered} reordered; partitions healed within {} ms",
        slowest.as_millis()
    );
    assert!(lost > 0 && duplicated > 0 && reordered > 0);
    let checked = buyers.check_with_retries(&client, &vacancy.client()).await;
    println!("{checked:?}");
}
