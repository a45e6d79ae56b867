//! The real binary under a clock that jumps, during a run and between two runs.

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

use crate::support::Buyers;

/// The largest drift of the clock of the product, as a share of real time.
const SLEW_PART: f64 = 0.05;
/// More than any machine sells here: a refused sale has no record, and so no time.
const STOCK: u64 = 1_000_000;
/// Times have a resolution of 1 ms.
const ROUNDED: Duration = Duration::from_millis(5);

/// A data directory, and a wall clock that tests set.
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
        // Only the wall clock: no setting of a machine moves the monotonic clock.
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

    /// Sets the clock, in seconds from real time. Atomically: the process reads it at any time.
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

/// A hold, and the two moments between which it was created.
struct Made {
    id: String,
    expires_at_ms: u64,
    earliest: Instant,
    latest: Instant,
}

/// Holds one ticket for `ttl_s`.
async fn hold(buyers: &Buyers, client: &Client, key: &str, ttl_s: u64) -> Made {
    let (event, stock) = (EventName::new("default").unwrap(), StockName::new("general").unwrap());
    let items = Items::new(vec![Item { qty: 1, stock }], 4, 10).unwrap();
    let kind =
        CommandKind::Hold { event, items, customer: None, ttl_ms: Some(ttl_s * 1_000), pass: None };
    let open =
        buyers.history.send(Ask::Write { kind: kind.clone(), key: IdempotencyKey::new(key).ok() });
    let body =
        json!({"event": "default", "items": [{"stock": "general", "qty": 1}], "ttl_s": ttl_s});
    let earliest = Instant::now();
    let reply = client.keyed("/api/v1/holds", key, body).await.unwrap();
    let latest = Instant::now();
    let answered = answer(&kind, reply.status, &reply.json(), None);
    open.answered(answered.clone());
    let Answer::Done { outcome: Outcome::Held { id, expires_at_ms, .. }, .. } = answered else {
        panic!("{answered:?}")
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
async fn sale_at_ms(buyers: &Buyers, client: &Client) -> u64 {
    assert!(buyers.buy(client, "/api/v1/reserve").await);
    let newest = client.ledger("default").await.pop().unwrap();
    newest["data"]["at_ms"].as_u64().unwrap()
}

/// Reads `hold` until it has expired, and checks its lifetime by real time and by the time of the
/// ledger. Returns the bounds of its lifetime.
async fn watch(
    buyers: &Buyers,
    client: &Client,
    hold: &Made,
    ttl_s: u64,
    what: &str,
) -> (Duration, Duration) {
    let ttl = Duration::from_secs(ttl_s);
    let mut alive = Duration::ZERO;
    loop {
        let (asked, before_ms) = (Instant::now(), sale_at_ms(buyers, client).await);
        let state = state(client, hold).await;
        let (read, after_ms) = (Instant::now(), sale_at_ms(buyers, client).await);
        if state == "held" {
            assert!(
                before_ms < hold.expires_at_ms,
                "{what}: it lives on after its expiry by the ledger"
            );
            // It was alive when the request was sent, or later.
            alive = asked.saturating_duration_since(hold.latest);
            assert!(
                alive <= ttl.mul_f64(1.0 / (1.0 - SLEW_PART)) + ROUNDED,
                "{what}: it lives for {alive:?} at least"
            );
        } else {
            assert_eq!(state, "expired", "{what}");
            assert!(
                after_ms >= hold.expires_at_ms,
                "{what}: it ended before its expiry by the ledger"
            );
            let ended = read.duration_since(hold.earliest);
            assert!(
                ended + ROUNDED >= ttl.mul_f64(1.0 / (1.0 + SLEW_PART)),
                "{what}: it has lived for {ended:?} at most"
            );
            return (alive, ended);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Checks every answer against the ledger, whose times never go back and which holds nothing any
/// more.
async fn judge(buyers: &Buyers, client: &Client) {
    let open = buyers.history.send(Ask::Read { event: EventName::new("default").unwrap() });
    let read = client.get("/api/v1/events/default").await;
    open.answered(counts(read.status, &read.json()));
    assert_eq!(read.json()["stocks"]["general"]["held"], 0, "a hold is left");
    let ledger = client.ledger("default").await;
    let times: Vec<_> =
        ledger.iter().map(|record| record["data"]["at_ms"].as_u64().unwrap()).collect();
    assert!(times.is_sorted(), "the ledger's time goes back");
    println!("{:?}", buyers.check_running(client).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_jumps_do_not_change_hold_lifetimes() {
    const TTL_S: u64 = 2;
    let (clock, buyers) = (Shifted::new(), Buyers::default());
    let vacancy = clock.vacancy().await;
    let client = vacancy.client();
    // Seconds from real time: forward and back, further back than ever before, and by days.
    for (number, to) in ["+3600", "+3590", "-7200", "+0", "+7200", "+86400", "+86399", "+172800"]
        .into_iter()
        .enumerate()
    {
        let made = hold(&buyers, &client, &format!("h{number}"), TTL_S).await;
        clock.set(to);
        let (alive, ended) =
            watch(&buyers, &client, &made, TTL_S, &format!("clock at {to} s")).await;
        assert!(alive > Duration::ZERO, "clock at {to} s: it was never seen alive");
        println!(
            "clock set to {to} s: a hold of {TTL_S} s lived between {:.3} and {:.3} s",
            alive.as_secs_f64(),
            ended.as_secs_f64()
        );
    }
    judge(&buyers, &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ledger_time_waits_for_a_clock_that_is_behind() {
    const TTL_S: u64 = 1;
    // Longer than a start, a hold and a sale take in a debug build on a busy machine.
    const BEHIND_S: u64 = 20;
    let (clock, buyers) = (Shifted::new(), Buyers::default());
    let vacancy = clock.vacancy().await;
    assert!(vacancy.logged("WARN").is_empty(), "{:?}", vacancy.logged("WARN"));
    let newest_ms = sale_at_ms(&buyers, &vacancy.client()).await;
    let sold = Instant::now();
    vacancy.kill().await;
    clock.set(&format!("-{BEHIND_S}"));
    let vacancy = clock.vacancy().await;
    let client = vacancy.client();
    let warned = vacancy.logged("WARN");
    assert!(
        matches!(warned[..], [line] if line.contains("s behind the newest ledger record")),
        "{warned:?}"
    );
    // Everything works, and the hold has its full length by the time of the ledger, which stands
    // still.
    let made = hold(&buyers, &client, "behind", TTL_S).await;
    assert_eq!(
        (sale_at_ms(&buyers, &client).await, made.expires_at_ms),
        (newest_ms, newest_ms + TTL_S * 1_000)
    );
    let stood_still = sold.elapsed();
    assert!(stood_still < Duration::from_secs(BEHIND_S), "too slow to see it: {stood_still:?}");
    while state(&client, &made).await == "held" {
        assert!(sold.elapsed() < Duration::from_secs(60), "it never ends");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = sold.elapsed();
    // Only then has the clock caught up with the ledger.
    assert!(ended >= Duration::from_secs(BEHIND_S), "{ended:?}");
    assert!(sale_at_ms(&buyers, &client).await >= made.expires_at_ms);
    println!(
        "clock {BEHIND_S} s behind: '{}'; a hold of {TTL_S} s ended {:.1} s after the newest record",
        warned[0],
        ended.as_secs_f64()
    );
    judge(&buyers, &client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clock_ahead_at_start_expires_holds() {
    const TTL_S: u64 = 600;
    let (clock, buyers) = (Shifted::new(), Buyers::default());
    let vacancy = clock.vacancy().await;
    let made = hold(&buyers, &vacancy.client(), "ahead", TTL_S).await;
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
    assert!(vacancy.logged("WARN").is_empty(), "{:?}", vacancy.logged("WARN"));
    assert_eq!(state(&client, &made).await, "expired");
    // The key expired after a day by the time of the ledger: it buys again.
    let again = client.keyed("/api/v1/reserve", "kept-a-day", json!({"qty": 1})).await.unwrap();
    assert_eq!((again.status, client.available().await), (200, STOCK - 2));
    assert_ne!(again.bytes, bought.bytes);
    // Back to real time, two days behind the ledger: every sale is there, and it sells.
    vacancy.kill().await;
    clock.set("+0");
    let vacancy = clock.vacancy().await;
    assert!(
        matches!(vacancy.logged("WARN")[..], [line] if line.contains("behind the newest ledger record")),
        "{:?}",
        vacancy.logged("WARN")
    );
    sale_at_ms(&buyers, &vacancy.client()).await;
    assert_eq!(vacancy.client().available().await, STOCK - 3);
    assert_eq!(vacancy.terminate().await, Some(0));
    // The checker does not know that keys expire; verify does.
    let verified = Command::new(binary("vacancy"))
        .arg("verify")
        .env("DATA_DIR", clock.data())
        .output()
        .unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}
