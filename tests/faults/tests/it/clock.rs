//! The real binary under a clock that jumps, while it runs and while it does not.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use checker::{Answer, Ask, answer, counts};
use fault_tests::require;
use inventory::{CommandKind, EventName, IdempotencyKey, Item, Items, Outcome, StockName};
use serde_json::json;
use system_tests::{Client, Process, binary};
use tempfile::TempDir;

use crate::support::Shop;

/// What the product's clock may differ from the time that passes.
const SLEW_PART: f64 = 0.05;
/// More than is sold here on any machine: a sale that is refused has no record, and so no time.
const STOCK: u64 = 1_000_000;
/// Times are told in whole milliseconds.
const ROUNDED: Duration = Duration::from_millis(5);

/// A data directory, and a clock on the wall that tests set.
struct Shifted {
    home: TempDir,
    env: Vec<(String, String)>,
}

impl Shifted {
    fn new() -> Self {
        require("faketime", "faketime");
        let places = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
            .map(|machine| format!("/usr/lib/{machine}/faketime/libfaketime.so.1"));
        let library = places.into_iter().find(|path| Path::new(path).exists());
        let library = library
            .expect("libfaketime.so.1 is missing: install it, such as 'apt-get install faketime'");
        let home = tempfile::tempdir().unwrap();
        let shift = home.path().join("shift").to_str().unwrap().to_owned();
        // Only the clock on the wall: no setting of a machine moves the monotonic one.
        let stock = STOCK.to_string();
        let env = [
            ("INITIAL_STOCK", stock.as_str()),
            ("LD_PRELOAD", &library),
            ("FAKETIME_TIMESTAMP_FILE", &shift),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let shifted = Self { home, env };
        shifted.set("+0");
        shifted
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Sets the clock, in seconds from what it should be. As a whole: it is read at any time.
    fn set(&self, to: &str) {
        let next = self.home.path().join("shift.next");
        std::fs::write(&next, to).unwrap();
        std::fs::rename(next, self.home.path().join("shift")).unwrap();
    }

    async fn vacancy(&self) -> Process {
        let env: Vec<_> =
            self.env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Process::vacancy(&self.data(), &env).await
    }
}

/// A hold, and between which two moments it was made.
struct Made {
    id: String,
    expires_at_ms: u64,
    earliest: Instant,
    latest: Instant,
}

/// Holds one ticket for `ttl_s`.
async fn hold(shop: &Shop, client: &Client, key: &str, ttl_s: u64) -> Made {
    let (event, stock) = (EventName::new("default").unwrap(), StockName::new("general").unwrap());
    let items = Items::new(vec![Item { qty: 1, stock }], 4, 10).unwrap();
    let kind = CommandKind::Hold { event, items, customer: None, ttl_ms: Some(ttl_s * 1_000) };
    let open =
        shop.history.send(Ask::Write { kind: kind.clone(), key: IdempotencyKey::new(key).ok() });
    let body =
        json!({"event": "default", "items": [{"stock": "general", "qty": 1}], "ttl_s": ttl_s});
    let earliest = Instant::now();
    let reply = client.keyed("/api/v1/holds", key, body).await.unwrap();
    let latest = Instant::now();
    let told = answer(&kind, reply.status, &reply.json(), None);
    open.answered(told.clone());
    let Answer::Done { outcome: Outcome::Held { id, expires_at_ms, .. }, .. } = told else {
        panic!("{told:?}")
    };
    Made { id: id.to_string(), expires_at_ms, earliest, latest }
}

async fn state(client: &Client, hold: &Made) -> String {
    client.get(&format!("/api/v1/holds/{}", hold.id)).await.json()["state"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// A sale, and the ledger's time of it.
async fn sale_at_ms(shop: &Shop, client: &Client) -> u64 {
    assert!(shop.buy(client, "/api/v1/reserve").await);
    let newest = client.ledger("default").await.pop().unwrap();
    newest["data"]["at_ms"].as_u64().unwrap()
}

/// Looks at `hold` until it has expired. Its life is no longer and no shorter than its time, by the
/// time that passes and by the ledger's. Returns between which two lengths its life was.
async fn watch(
    shop: &Shop,
    client: &Client,
    hold: &Made,
    ttl_s: u64,
    what: &str,
) -> (Duration, Duration) {
    let ttl = Duration::from_secs(ttl_s);
    let mut alive = Duration::ZERO;
    loop {
        let (asked, before_ms) = (Instant::now(), sale_at_ms(shop, client).await);
        let state = state(client, hold).await;
        let (told, after_ms) = (Instant::now(), sale_at_ms(shop, client).await);
        if state == "held" {
            assert!(
                before_ms < hold.expires_at_ms,
                "{what}: it lives on after its time by the ledger"
            );
            // It was alive when it was asked for, or later.
            alive = asked.saturating_duration_since(hold.latest);
            assert!(
                alive <= ttl.mul_f64(1.0 / (1.0 - SLEW_PART)) + ROUNDED,
                "{what}: it lives for {alive:?} at least"
            );
        } else {
            assert_eq!(state, "expired", "{what}");
            assert!(
                after_ms >= hold.expires_at_ms,
                "{what}: it has ended before its time by the ledger"
            );
            let ended = told.duration_since(hold.earliest);
            assert!(
                ended + ROUNDED >= ttl.mul_f64(1.0 / (1.0 + SLEW_PART)),
                "{what}: it has lived for {ended:?} at most"
            );
            return (alive, ended);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Every answer by the ledger, whose times never go back and with which nothing is held any more.
async fn judge(shop: &Shop, client: &Client) {
    let open = shop.history.send(Ask::Read { event: EventName::new("default").unwrap() });
    let read = client.get("/api/v1/events/default").await;
    open.answered(counts(read.status, &read.json()));
    assert_eq!(read.json()["stocks"]["general"]["held"], 0, "a hold is left");
    let ledger = client.ledger("default").await;
    let times: Vec<_> =
        ledger.iter().map(|record| record["data"]["at_ms"].as_u64().unwrap()).collect();
    assert!(times.is_sorted(), "the ledger's time goes back");
    println!("{:?}", shop.judge_running(client).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_live_their_time_whatever_the_clock_does() {
    const TTL_S: u64 = 2;
    let (clock, shop) = (Shifted::new(), Shop::default());
    let vacancy = clock.vacancy().await;
    let client = vacancy.client();
    // Seconds from the machine's clock: forward and back, further back than it ever was, and by
    // days.
    for (number, to) in ["+3600", "+3590", "-7200", "+0", "+7200", "+86400", "+86399", "+172800"]
        .into_iter()
        .enumerate()
    {
        let made = hold(&shop, &client, &format!("h{number}"), TTL_S).await;
        clock.set(to);
        let (alive, ended) = watch(&shop, &client, &made, TTL_S, &format!("clock at {to} s")).await;
        assert!(alive > Duration::ZERO, "clock at {to} s: it was never seen alive");
        println!(
            "clock set to {to} s: a hold of {TTL_S} s lived between {:.3} and {:.3} s",
            alive.as_secs_f64(),
            ended.as_secs_f64()
        );
    }
    judge(&shop, &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn started_with_a_clock_behind_the_ledger_its_time_stands_still_until_that_has_caught_up() {
    const TTL_S: u64 = 1;
    // Longer than a start, a hold and a sale take, debug build and busy machine included.
    const BEHIND_S: u64 = 20;
    let (clock, shop) = (Shifted::new(), Shop::default());
    let vacancy = clock.vacancy().await;
    assert!(vacancy.said("WARN").is_empty(), "{:?}", vacancy.said("WARN"));
    let newest_ms = sale_at_ms(&shop, &vacancy.client()).await;
    let sold = Instant::now();
    vacancy.kill().await;
    clock.set(&format!("-{BEHIND_S}"));
    let vacancy = clock.vacancy().await;
    let client = vacancy.client();
    let warned = vacancy.said("WARN");
    assert!(
        matches!(warned[..], [told] if told.contains("s behind the newest record")),
        "{warned:?}"
    );
    // Everything can be done, and the hold is of its length by the ledger's time, which stands
    // still.
    let made = hold(&shop, &client, "behind", TTL_S).await;
    assert_eq!(
        (sale_at_ms(&shop, &client).await, made.expires_at_ms),
        (newest_ms, newest_ms + TTL_S * 1_000)
    );
    let stood_still = sold.elapsed();
    assert!(stood_still < Duration::from_secs(BEHIND_S), "too slow to see it: {stood_still:?}");
    while state(&client, &made).await == "held" {
        assert!(sold.elapsed() < Duration::from_secs(60), "it never ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = sold.elapsed();
    // The clock is where the ledger is only then.
    assert!(ended >= Duration::from_secs(BEHIND_S), "{ended:?}");
    assert!(sale_at_ms(&shop, &client).await >= made.expires_at_ms);
    println!(
        "clock {BEHIND_S} s behind: '{}'; a hold of {TTL_S} s ended {:.1} s after the newest record",
        warned[0],
        ended.as_secs_f64()
    );
    judge(&shop, &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn started_with_a_clock_ahead_what_should_have_run_out_has() {
    const TTL_S: u64 = 600;
    let (clock, shop) = (Shifted::new(), Shop::default());
    let vacancy = clock.vacancy().await;
    let made = hold(&shop, &vacancy.client(), "ahead", TTL_S).await;
    let client = vacancy.client();
    let bought = client.keyed("/api/v1/reserve", "kept-a-day", json!({"qty": 1})).await.unwrap();
    assert_eq!(
        client.keyed("/api/v1/reserve", "kept-a-day", json!({"qty": 1})).await.unwrap().bytes,
        bought.bytes
    );
    vacancy.kill().await;
    clock.set("+172800");
    let vacancy = clock.vacancy().await;
    let client = vacancy.client();
    assert!(vacancy.said("WARN").is_empty(), "{:?}", vacancy.said("WARN"));
    assert_eq!(state(&client, &made).await, "expired");
    // A key is kept for a day by the ledger's time, and that day is over: it buys again.
    let again = client.keyed("/api/v1/reserve", "kept-a-day", json!({"qty": 1})).await.unwrap();
    assert_eq!((again.status, client.available().await), (200, STOCK - 2));
    assert_ne!(again.bytes, bought.bytes);
    // Back to the right clock: two days behind. What was sold by then is all there, and it sells.
    vacancy.kill().await;
    clock.set("+0");
    let vacancy = clock.vacancy().await;
    assert!(
        matches!(vacancy.said("WARN")[..], [told] if told.contains("behind the newest record")),
        "{:?}",
        vacancy.said("WARN")
    );
    sale_at_ms(&shop, &vacancy.client()).await;
    assert_eq!(vacancy.client().available().await, STOCK - 3);
    assert_eq!(vacancy.terminate().await, Some(0));
    // The checker knows of no time after which a key may buy again; this does.
    let verified = Command::new(binary("vacancy"))
        .arg("verify")
        .env("DATA_DIR", clock.data())
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}
