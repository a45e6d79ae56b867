//! A real network between real services, on which packets are lost, late, doubled, out of order,
//! and sometimes none gets through.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use fault_tests::{Cable, Weather, require};
use system_tests::Process;

use crate::support::{Shop, env_or};

/// How long each kind of weather lasts, and each cut.
fn lasts() -> Duration {
    Duration::from_secs(env_or("LASTS_S", 3))
}

#[tokio::test(flavor = "multi_thread")]
async fn loss_delay_doubled_and_late_packets_and_partitions_leave_every_answer_right() {
    require("ip", "iproute2");
    let cable = Cable::lay(1).await;
    let dir = tempfile::tempdir().unwrap();
    let data_dir = dir.path().to_str().unwrap();
    let env = [("DATA_DIR", data_dir), ("INITIAL_STOCK", "1000000"), ("HOST", "0.0.0.0")];
    let vacancy = Process::start_by(&cable.at_far(), Cable::FAR_FROM_HERE, "vacancy", &env).await;
    let vacancy_url = format!("http://{}:{}", Cable::FAR, vacancy.port());
    let env =
        [("VACANCY_URL", vacancy_url.as_str()), ("VACANCY_TIMEOUT", "1"), ("HOST", "0.0.0.0")];
    let ticket = Process::start_by(&cable.at_near(), Cable::NEAR_FROM_HERE, "ticket", &env).await;
    let (client, shop) = (ticket.client(), Shop::default());
    let clear = Weather::default();
    let weathers = [
        ("clear", clear),
        ("2 % lost", Weather { loss: 0.02, ..clear }),
        ("15 % lost", Weather { loss: 0.15, ..clear }),
        ("20 to 40 ms late", Weather { delay_ms: 40, ..clear }),
        ("20 % twice", Weather { twice: 0.2, ..clear }),
        ("25 % out of order", Weather { late: 0.25, ..clear }),
        ("all of it", Weather { loss: 0.05, twice: 0.1, late: 0.1, delay_ms: 20, ..clear }),
    ];
    for (name, weather) in weathers {
        cable.set(weather);
        let (before, since) = (shop.answered(), Instant::now());
        while since.elapsed() < lasts() {
            shop.rush(&client, "/api/v1/purchase", 4, 5).await;
        }
        let (known, asked) = shop.answered();
        println!("{name}: {} of {} purchases answered", known - before.0, asked - before.1);
        assert!(known > before.0, "{name}: nothing was sold at all");
    }
    let mut slowest = Duration::ZERO;
    for (name, cut_there, cut_back) in [
        ("both ways", true, true),
        ("on the way there", true, false),
        ("on the way back", false, true),
    ] {
        for lasts in [lasts() / 6, lasts()] {
            cable.set(Weather { cut_there, cut_back, ..clear });
            let since = Instant::now();
            while since.elapsed() < lasts {
                shop.rush(&client, "/api/v1/purchase", 4, 2).await;
                // An open breaker refuses at once: not thousands of times.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            cable.set(clear);
            let healing = Instant::now();
            while !shop.buy(&client, "/api/v1/purchase").await {
                assert!(
                    healing.elapsed() < Duration::from_secs(20),
                    "cut {name}: it does not heal"
                );
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            println!(
                "cut {name} for {} ms: sells again after {} ms",
                lasts.as_millis(),
                healing.elapsed().as_millis()
            );
            slowest = slowest.max(healing.elapsed());
        }
    }
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed);
    let (all, lost, twice, late) = (
        count(&cable.packets.all),
        count(&cable.packets.lost),
        count(&cable.packets.twice),
        count(&cable.packets.late),
    );
    println!(
        "{all} packets: {lost} lost, {twice} delivered twice, {late} overtaken; partitions healed within {} ms",
        slowest.as_millis()
    );
    assert!(lost > 0 && twice > 0 && late > 0);
    let checked = shop.judge_asking_again(&client, &vacancy.client()).await;
    println!("{checked:?}");
}
