//! The way from ticket to vacancy, broken at every stage of the protocol.

use std::time::{Duration, Instant};

use fault_tests::{Cut, Proxy};
use system_tests::Process;

use crate::support::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_between_the_services_every_answer_is_right_and_it_heals() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "1000000")]).await;
    let proxy = Proxy::to(vacancy.port()).await;
    let ticket =
        Process::ticket(&format!("http://{}", proxy.address), &[("VACANCY_TIMEOUT", "1")]).await;
    let (client, shop) = (ticket.client(), Shop::default());
    shop.rush(&client, "/api/v1/purchase", 4, 10).await;
    for cut in Cut::ALL {
        proxy.cut(cut);
        let until = Instant::now() + Duration::from_millis(1_200);
        while Instant::now() < until {
            shop.rush(&client, "/api/v1/purchase", 4, 3).await;
            // An open breaker refuses at once: not thousands of times.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        proxy.cut(Cut::Nowhere);
        let healing = Instant::now();
        while !shop.buy(&client, "/api/v1/purchase").await {
            assert!(healing.elapsed() < Duration::from_secs(20), "{cut:?}: it does not heal");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("{cut:?}: sells again after {} ms", healing.elapsed().as_millis());
    }
    let checked = shop.judge_asking_again(&client, &vacancy.client()).await;
    println!(
        "{} connections broken: {checked:?}",
        proxy.broken.load(std::sync::atomic::Ordering::Relaxed)
    );
}
