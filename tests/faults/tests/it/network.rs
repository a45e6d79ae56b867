//! Connections from ticket to vacancy, broken at every stage of the protocol.

use std::time::{Duration, Instant};

use fault_tests::{Cut, Proxy};
use system_tests::Process;

use crate::support::Buyers;

#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_keep_every_answer_right() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "1000000")]).await;
    let proxy = Proxy::to(vacancy.port()).await;
    let ticket =
        Process::ticket(&format!("http://{}", proxy.address), &[("VACANCY_TIMEOUT", "1")]).await;
    let (client, buyers) = (ticket.client(), Buyers::default());
    buyers.rush(&client, "/api/v1/purchase", 4, 10).await;
    for cut in Cut::ALL {
        proxy.cut(cut);
        let until = Instant::now() + Duration::from_millis(1_200);
        while Instant::now() < until {
            buyers.rush(&client, "/api/v1/purchase", 4, 3).await;
            // An open breaker refuses immediately: do not ask thousands of times.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        proxy.cut(Cut::Nowhere);
        let healing = Instant::now();
        while !buyers.buy(&client, "/api/v1/purchase").await {
            assert!(healing.elapsed() < Duration::from_secs(20), "{cut:?}: no sale within 20 s");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("{cut:?}: sells again after {} ms", healing.elapsed().as_millis());
    }
    let checked = buyers.check_with_retries(&client, &vacancy.client()).await;
    println!(
        "{} connections broken: {checked:?}",
        proxy.broken.load(std::sync::atomic::Ordering::Relaxed)
    );
}
