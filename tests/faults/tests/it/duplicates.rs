//! Whole requests that are delivered twice, at the same time.

use fault_tests::DuplicatingProxy;
use system_tests::Process;

use crate::support::Buyers;

#[tokio::test(flavor = "multi_thread")]
async fn duplicated_request_has_one_effect_and_one_answer() {
    let dir = tempfile::tempdir().unwrap();
    let vacancy = Process::vacancy(dir.path(), &[("INITIAL_STOCK", "1000000")]).await;
    let proxy = DuplicatingProxy::to(vacancy.port()).await;
    // From buyers directly to vacancy, and in batches through ticket.
    let (direct, buyers) =
        (system_tests::Client::new(&format!("http://{}", proxy.address)), Buyers::default());
    buyers.rush(&direct, "/api/v1/reserve", 8, 100).await;
    let ticket =
        Process::ticket(&format!("http://{}", proxy.address), &[("VACANCY_CALLS", "2")]).await;
    buyers.rush(&ticket.client(), "/api/v1/purchase", 16, 100).await;
    let checked = buyers.check_running(&vacancy.client()).await;
    let (duplicated, same) = proxy.counts();
    println!(
        "{duplicated} requests delivered twice, {same} of them with identical responses: {checked:?}"
    );
    assert!(duplicated > 800 && same == duplicated);
    assert_eq!((checked.acknowledged, checked.records), (2_400, 2_401), "one effect each");
}
