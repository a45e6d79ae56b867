//! Whole requests that are delivered twice, at the same time.

use fault_tests::Doubler;
use system_tests::Process;

use crate::support::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_delivered_twice_has_one_effect_and_one_answer() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "1000000")]).await;
    let doubler = Doubler::to(vacancy.port()).await;
    // From buyers straight to vacancy, and in batches by way of ticket.
    let (straight, shop) =
        (system_tests::Client::new(&format!("http://{}", doubler.address)), Shop::default());
    shop.rush(&straight, "/api/v1/reserve", 8, 100).await;
    let ticket =
        Process::ticket(&format!("http://{}", doubler.address), &[("VACANCY_CALLS", "2")]).await;
    shop.rush(&ticket.client(), "/api/v1/purchase", 16, 100).await;
    let checked = shop.judge_running(&vacancy.client()).await;
    let (doubled, same) = doubler.seen();
    println!(
        "{doubled} requests delivered twice, {same} of them answered twice the same: {checked:?}"
    );
    assert!(doubled > 800 && same == doubled);
    assert_eq!((checked.acknowledged, checked.records), (2_400, 2_401), "one effect each");
}
