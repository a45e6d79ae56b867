//! Draws whose beacon cannot be had. A witnessed draw needs the real network: `draw-verifier` and
//! `beacon` test it with recorded rounds.

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use axum::{Router, extract::Path, routing::get};
use serde_json::{Value, json};
use signing::SigningKeys;
use system_tests::Process;
use tokio::net::TcpListener;

use super::{
    Customer, EVENT, FAR, Mode, SOON, System, command::verify_draw, documents::verify_ledger, draw,
    put_draw, until, until_revealed,
};

/// Round 123 of quicknet.
const SIGNATURE: &str = "b75c69d0b72a5d906e854e808ba7e2accb1542ac355ae486d591aa9d43765482\
                         e26cd02df835d3546d23c4b13e0dfc92";

/// A relay that answers with the signature of another round.
struct Relay {
    url: String,
    asked: Arc<AtomicUsize>,
    round: Arc<Mutex<u64>>,
}

impl Relay {
    async fn start() -> Self {
        let (asked, round) = (Arc::<AtomicUsize>::default(), Arc::<Mutex<u64>>::default());
        let (count, last) = (asked.clone(), round.clone());
        let answer = move |Path((_chain, round)): Path<(String, u64)>| async move {
            count.fetch_add(1, SeqCst);
            *last.lock().unwrap() = round;
            json!({"round": round, "signature": SIGNATURE}).to_string()
        };
        let app = Router::new().route("/{chain}/public/{round}", get(answer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, asked, round }
    }
}

fn env(urls: &str) -> [(&str, &str); 4] {
    [
        ("QUEUE_BEACON_URLS", urls),
        ("QUEUE_BEACON_ALLOW_HTTP", "true"),
        // A round that is published before the freeze is a finding.
        ("QUEUE_BEACON_DELAY_S", "2"),
        ("QUEUE_BEACON_WAIT_S", "3"),
    ]
}

/// The draw went on without its beacon, and everybody can see it.
async fn assert_unwitnessed(system: &System, revealed: &Value) {
    assert_eq!(revealed["witnessed"], false, "{revealed}");
    assert!(revealed["committed"]["beacon"]["round"].is_u64(), "{revealed}");
    assert!(revealed["revealed"].get("beacon").is_none(), "{revealed}");
    assert!(verify_ledger(system.inside(), EVENT).await.is_unwitnessed());
    let url = system.client().base().to_owned();
    let (code, text) = verify_draw(&[&url, "--event", EVENT]).await;
    assert_eq!(code, 3, "{text}");
    assert!(text.contains("unwitnessed"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unreachable_beacon_is_awaited_and_then_done_without() {
    for mode in Mode::BOTH {
        let system = System::start(mode, &env("http://127.0.0.1:9,http://127.0.0.1:19")).await;
        let client = system.client();
        put_draw(&system.admin(), EVENT, 5, FAR, &json!({})).await;
        let crowd = Customer::crowd(&client, EVENT, 3).await;
        put_draw(&system.admin(), EVENT, 5, SOON, &json!({})).await;
        let blocked = "queue_draw_blocked{event=\"gala\",reason=\"beacon\"}";
        until("the draw waits", async || system.inside().metric(blocked).await == Some(1.0)).await;
        let waiting = draw(&client, EVENT).await;
        assert!(waiting["frozen"].is_object() && waiting.get("revealed").is_none(), "{waiting}");
        assert_eq!(waiting["serving"], 0);
        let revealed = until_revealed(&client, EVENT).await;
        until("it goes on", async || system.inside().metric(blocked).await == Some(0.0)).await;
        for one in &crowd {
            one.hold(1).await;
        }
        assert_unwitnessed(&system, &revealed).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forged_signature_is_not_accepted() {
    let relay = Relay::start().await;
    let system = System::start(Mode::Services, &env(&relay.url)).await;
    let client = system.client();
    put_draw(&system.admin(), EVENT, 5, FAR, &json!({})).await;
    let own = Customer::join(&client, EVENT, "own").await;
    put_draw(&system.admin(), EVENT, 5, SOON, &json!({})).await;
    let revealed = until_revealed(&client, EVENT).await;
    assert!(relay.asked.load(SeqCst) > 0, "the relay was asked");
    assert_eq!(*relay.round.lock().unwrap(), revealed["committed"]["beacon"]["round"]);
    own.hold(1).await;
    assert_unwitnessed(&system, &revealed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn log_says_why_a_draw_waits_and_that_it_is_unwitnessed() {
    let dir = tempfile::tempdir().unwrap();
    let (log, keys) = (dir.path().join("log"), dir.path().join("keys.json"));
    fs::write(&keys, SigningKeys::generate(rand::random())).unwrap();
    let copy = format!("exec \"$0\" > >(tee {})", log.display());
    let data = dir.path().join("data");
    let own = [
        ("DEPLOYMENT_MODE", "monolith"),
        ("DATA_DIR", data.to_str().unwrap()),
        ("SIGNING_KEYS_FILE", keys.to_str().unwrap()),
    ];
    let env = [&own[..], &env("http://127.0.0.1:9")].concat();
    let monolith = Process::start_by(&["bash", "-c", &copy], "127.0.0.1", "ticket", &env).await;
    put_draw(&monolith.client(), EVENT, 5, 500, &json!({})).await;
    until_revealed(&monolith.client(), EVENT).await;
    monolith.kill().await;
    let text = fs::read_to_string(&log).unwrap();
    let warnings: Vec<Value> = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|log: &Value| log["level"] == "WARN")
        .collect();
    let says = |words: &str| warnings.iter().filter(|log| log.to_string().contains(words)).count();
    assert_eq!(says("draw waits"), 1, "{warnings:?}");
    assert_eq!(says("unwitnessed"), 1, "{warnings:?}");
}
