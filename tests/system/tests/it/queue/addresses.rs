//! What slows scripts down: joins of one address, and proof of work.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use system_tests::{Answer, Client};

use super::{EVENT, Mode, System, assert_problem, join, put_line};

const WORK: [(&str, &str); 2] =
    [("QUEUE_JOINS_PER_MINUTE", "12"), ("QUEUE_WORK_MAX_NUMBER", "1000")];
const QUEUE: &str = "/api/v1/events/gala/queue";

async fn challenge(client: &Client, key: &str) -> Answer {
    let (path, headers) = (format!("{QUEUE}/challenge"), [("idempotency-key", key)]);
    client.call(reqwest::Method::GET, &path, &headers, None).await.unwrap()
}

/// Solves it as a page does: the number whose hash is the challenge.
fn solve(challenge: &Value) -> String {
    let text = |name: &str| challenge[name].as_str().unwrap();
    let most = challenge["maxnumber"].as_u64().unwrap();
    let solves = |number: &u64| {
        let hash = Sha256::digest(format!("{}{number}", text("salt")));
        hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == text("challenge")
    };
    let number = (0..=most).find(solves).unwrap();
    let mut solution = challenge.clone();
    solution.as_object_mut().unwrap().remove("maxnumber");
    solution["number"] = json!(number);
    BASE64_STANDARD.encode(solution.to_string())
}

async fn join_with(client: &Client, key: &str, work: &str) -> Answer {
    client.keyed(QUEUE, key, json!({"work": work})).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_of_one_address_are_bounded() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &[("QUEUE_JOINS_PER_MINUTE", "3")]).await;
        put_line(&system.admin(), EVENT, 10, &json!({})).await;
        let client = system.client();
        for key in ["1", "2", "3"] {
            assert_eq!(join(&client, EVENT, key).await.status, 201);
        }
        let refused = join(&client, EVENT, "4").await;
        assert_problem(&refused, 429, "rate_limited");
        let wait_s: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=42).contains(&wait_s), "{wait_s}");
        let answer = join(&client, "unheard-of", "5").await;
        assert_problem(&answer, 404, "event_not_found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn join_with_work_counts_once_and_without_it_ten_times() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &WORK).await;
        put_line(&system.admin(), EVENT, 10, &json!({})).await;
        let client = system.client();
        assert_eq!(join(&client, EVENT, "without").await.status, 201);
        assert_problem(&join(&client, EVENT, "without too").await, 429, "rate_limited");
        let asked = challenge(&client, "with").await;
        assert_eq!(asked.status, 200, "{}", asked.json());
        let solution = solve(&asked.json());
        let other = join_with(&client, "another", &solution).await;
        assert_problem(&other, 422, "work_invalid");
        assert_problem(&join_with(&client, "with", "bm9uZQ==").await, 422, "work_invalid");
        let joined = join_with(&client, "with", &solution).await;
        assert_eq!(joined.status, 201, "{}", joined.json());
        // The same solution gets the same place.
        let again = join_with(&client, "with", &solution).await;
        assert_eq!((again.status, &again.bytes), (201, &joined.bytes));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn challenge_is_for_a_key_and_only_where_work_is_needed() {
    let system = System::start(Mode::Monolith, &WORK).await;
    put_line(&system.admin(), EVENT, 10, &json!({})).await;
    let client = system.client();
    let without = client.get(&format!("{QUEUE}/challenge")).await;
    assert_eq!(without.status, 400, "{}", without.json());
    let path = "/api/v1/events/default/queue/challenge";
    let headers = [("idempotency-key", "k")];
    let none = client.call(reqwest::Method::GET, path, &headers, None).await.unwrap();
    assert_problem(&none, 404, "queue_not_found");
    drop(system);
    let system = System::start(Mode::Monolith, &[]).await;
    put_line(&system.admin(), EVENT, 10, &json!({})).await;
    assert_problem(&challenge(&system.client(), "k").await, 404, "work_not_needed");
}
