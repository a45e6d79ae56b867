//! Replicas of vacancy on a real PostgreSQL, and what happens to both.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rand::RngExt;
use serde_json::{Value, json};
use system_tests::{Client, Process, free_port};
use test_postgres::{Server, bouncer};
use tokio::sync::Mutex;

/// How often something is killed or failed over, or how many tickets there are; the environment
/// overrides it for longer runs.
fn rounds(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// How long anything may take to work again, other builds on the machine included: what it took is
/// printed.
const PATIENCE: Duration = Duration::from_secs(60);
/// A busy machine is no hung process.
const PATIENT: [(&str, &str); 3] = [
    ("STORE_LOCK_TIMEOUT_S", "20"),
    ("STORE_STATEMENT_TIMEOUT_S", "20"),
    ("REQUEST_TIMEOUT_S", "40"),
];
/// How long the database hangs: longer than the slowest answer may take.
const HANG: Duration = Duration::from_secs(8);

async fn server(settings: &'static [&'static str]) -> Server {
    tokio::task::spawn_blocking(|| Server::start(settings)).await.unwrap()
}

async fn vacancy(url: &str, env: &[(&str, &str)]) -> Process {
    let env = [&[("STORE_URL", url), ("CACHE_TTL_SECONDS", "0"), ("INITIAL_STOCK", "100000")], env]
        .concat();
    Process::start("vacancy", &env).await
}

async fn until_ready(client: &Client, limit: Duration) -> Duration {
    let since = Instant::now();
    loop {
        if client.get("/ready").await.status == 200 {
            return since.elapsed();
        }
        assert!(since.elapsed() < limit, "not ready after {limit:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A sale that somebody was told of.
struct Sale {
    key: String,
    body: Value,
    at: Instant,
}

/// Buyers that keep a key until they have an answer to it, at whichever replica there is.
struct Crowd {
    over: Arc<AtomicBool>,
    sales: Arc<Mutex<Vec<Sale>>>,
    refused: Arc<AtomicUsize>,
    slowest_ms: Arc<AtomicU64>,
    buyers: Vec<tokio::task::JoinHandle<()>>,
}

impl Crowd {
    fn gather(bases: &[String], buyers: usize) -> Self {
        let mut crowd = Self {
            over: Arc::default(),
            sales: Arc::default(),
            refused: Arc::default(),
            slowest_ms: Arc::default(),
            buyers: Vec::new(),
        };
        for buyer in 0..buyers {
            let (over, sales, refused, slowest_ms) = (
                crowd.over.clone(),
                crowd.sales.clone(),
                crowd.refused.clone(),
                crowd.slowest_ms.clone(),
            );
            let clients: Vec<_> = bases.iter().map(|base| Client::new(base)).collect();
            crowd.buyers.push(tokio::spawn(async move {
                let (mut number, mut at) = (0, buyer);
                while !over.load(Ordering::SeqCst) {
                    let key = format!("b{buyer}-{number}");
                    let since = Instant::now();
                    let answer = clients[at % clients.len()]
                        .keyed("/api/v1/reserve", &key, json!({"qty": 1}))
                        .await;
                    slowest_ms.fetch_max(
                        u64::try_from(since.elapsed().as_millis()).unwrap(),
                        Ordering::SeqCst,
                    );
                    match answer {
                        Ok(answer) if answer.status == 200 => {
                            let body = answer.json();
                            assert_eq!(body["success"], true, "{body}");
                            sales.lock().await.push(Sale { key, body, at: Instant::now() });
                            number += 1;
                        }
                        other => {
                            if let Ok(answer) = &other {
                                assert_eq!(answer.status, 503, "{}", answer.json());
                                assert!(!answer.header("retry-after").is_empty());
                            }
                            refused.fetch_add(1, Ordering::SeqCst);
                            // The same key elsewhere: what became of it must come out the same.
                            at += 1;
                            tokio::time::sleep(Duration::from_millis(10)).await;
                        }
                    }
                }
            }));
        }
        crowd
    }

    async fn sold(&self) -> usize {
        self.sales.lock().await.len()
    }

    /// Waits until something was sold after `since`; how long that took.
    async fn sells_again(&self, since: Instant, limit: Duration) -> Duration {
        loop {
            if let Some(sale) = self.sales.lock().await.last().filter(|sale| sale.at > since) {
                return sale.at - since;
            }
            assert!(since.elapsed() < limit, "nothing was sold for {limit:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn disperse(self) -> Vec<Sale> {
        self.over.store(true, Ordering::SeqCst);
        for buyer in self.buyers {
            buyer.await.unwrap();
        }
        Arc::into_inner(self.sales).unwrap().into_inner()
    }
}

/// Every acknowledged sale is in the ledger as it was told, every key has one effect, and the
/// counts fit.
async fn check(client: &Client, sales: &[Sale]) -> usize {
    let records = client.ledger("default").await;
    let of_keys: HashMap<String, &Value> = records[1..]
        .iter()
        .map(|event| (event["data"]["key"]["key"].as_str().unwrap().to_owned(), &event["data"]))
        .collect();
    assert_eq!(of_keys.len(), records.len() - 1, "a key has more than one effect");
    for (seq, event) in (1..).zip(&records) {
        assert_eq!(event["data"]["seq"], seq);
    }
    for sale in sales {
        let record = of_keys
            .get(&sale.key)
            .unwrap_or_else(|| panic!("the acknowledged sale {} is lost", sale.key));
        assert_eq!(
            (&record["seq"], &record["hold"]),
            (&sale.body["seq"], &sale.body["reservation_id"])
        );
    }
    let event = client.get("/api/v1/events/default").await.json();
    let counts = &event["stocks"]["general"];
    assert_eq!(counts["sold"], of_keys.len());
    assert_eq!(counts["available"], counts["capacity"].as_u64().unwrap() - of_keys.len() as u64);
    of_keys.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_sell_out_exactly() {
    let server = server(&[]).await;
    let url = server.database().await;
    let tickets = rounds("TICKETS", 2_000) as u64;
    let tickets_text = tickets.to_string();
    let env = [&[("INITIAL_STOCK", tickets_text.as_str())][..], &PATIENT].concat();
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(vacancy(&url, &env).await);
    }
    let since = Instant::now();
    let won = Arc::new(AtomicU64::new(0));
    let buyers: Vec<_> = (0..60)
        .map(|number| {
            let (client, won) = (replicas[number % 3].client(), won.clone());
            tokio::spawn(async move {
                loop {
                    let answer = client.post("/api/v1/reserve", json!({"qty": 3})).await;
                    assert_eq!(answer.status, 200, "{}", answer.json());
                    if answer.json()["success"] != true {
                        return;
                    }
                    won.fetch_add(3, Ordering::SeqCst);
                }
            })
        })
        .collect();
    for buyer in buyers {
        buyer.await.unwrap();
    }
    let took = since.elapsed();
    assert_eq!(won.load(Ordering::SeqCst), tickets / 3 * 3);
    for replica in &replicas {
        assert_eq!(replica.client().available().await, tickets % 3);
    }
    let records = replicas[0].client().ledger("default").await;
    assert_eq!(records.len() as u64, 1 + tickets / 3);
    println!(
        "{tickets} tickets, {} sales at three replicas in {took:?}, {} left",
        records.len() - 1,
        tickets % 3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killing_the_database_and_replicas_again_and_again_loses_nothing() {
    let mut server = server(&["restart_after_crash = on"]).await;
    let url = server.database().await;
    let ports: Vec<_> = (0..3).map(|_| free_port().to_string()).collect();
    let mut replicas = Vec::new();
    for port in &ports {
        replicas.push(Some(vacancy(&url, &[("VACANCY_PORT", port)]).await));
    }
    let bases: Vec<_> = ports.iter().map(|port| format!("http://127.0.0.1:{port}")).collect();
    let crowd = Crowd::gather(&bases, 24);
    let (rounds, mut slowest) = (rounds("KILLS", 8), Duration::ZERO);
    for round in 0..rounds {
        let pause = rand::rng().random_range(50..300);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        if round % 2 == 0 {
            server = tokio::task::spawn_blocking(move || {
                server.kill();
                server.launch();
                server
            })
            .await
            .unwrap();
        } else {
            let one = round / 2 % replicas.len();
            replicas[one].take().unwrap().kill().await;
            replicas[one] = Some(vacancy(&url, &[("VACANCY_PORT", &ports[one])]).await);
        }
        slowest = slowest.max(crowd.sells_again(Instant::now(), PATIENCE).await);
    }
    let refused = crowd.refused.load(Ordering::SeqCst);
    let sales = crowd.disperse().await;
    let client = Client::new(&bases[0]);
    until_ready(&client, PATIENCE).await;
    let sold = check(&client, &sales).await;
    assert!(sales.len() > rounds * 5, "the load was too small to show anything");
    println!(
        "{rounds} kills: {} acknowledged, {sold} sold, {refused} calls refused or broken off, slowest to sell again {slowest:?}",
        sales.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_to_a_synchronous_standby_it_sells_again_and_nothing_is_lost() {
    let mut primary = server(&[]).await;
    let database = primary.database().await;
    let name = database.rsplit('/').next().unwrap().to_owned();
    let (rounds, mut slowest, mut sold) = (rounds("FAILOVERS", 2), Duration::ZERO, 0);
    // Both ports stay: what the replicas are told must not change with a failover.
    for round in 0..rounds {
        let (back, mut standby) = tokio::task::spawn_blocking(move || {
            let mut standby = primary.standby();
            standby.launch();
            (primary, standby)
        })
        .await
        .unwrap();
        primary = back;
        primary.run("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        primary.run("postgres", "SELECT pg_reload_conf()").await;
        let since = Instant::now();
        while primary
            .ask("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")
            .await
            != "1"
        {
            assert!(since.elapsed() < PATIENCE, "the standby does not follow");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let url = format!(
            "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/{name}",
            primary.port(),
            standby.port()
        );
        let (one, two) = (vacancy(&url, &[]).await, vacancy(&url, &[]).await);
        let fresh = format!("/api/v1/admin/events/round-{round}");
        assert_eq!(
            one.client()
                .admin(reqwest::Method::PUT, &fresh, &[], Some(json!({"stocks": {"general": 5}})))
                .await
                .status,
            201
        );
        let gathered = Instant::now();
        let crowd = Crowd::gather(&[one.base().to_owned(), two.base().to_owned()], 16);
        crowd.sells_again(gathered, PATIENCE).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = crowd.sold().await;
        standby = tokio::task::spawn_blocking(move || {
            primary.kill();
            // It must not wait for a standby of its own.
            standby.configure(&["synchronous_standby_names = ''"]);
            standby.promote();
            standby
        })
        .await
        .unwrap();
        let promoted = Instant::now();
        standby.run("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''").await;
        standby.run("postgres", "SELECT pg_reload_conf()").await;
        slowest = slowest.max(crowd.sells_again(promoted, PATIENCE).await);
        tokio::time::sleep(Duration::from_millis(200)).await;
        let sales = crowd.disperse().await;
        assert!(sales.len() > before && before > 0);
        // Keys of earlier rounds were the same: what is there is what the first round sold, and
        // more.
        let client = two.client();
        sold = client.ledger("default").await.len() - 1;
        let records = client.ledger("default").await;
        let of_keys: HashMap<&str, &Value> = records[1..]
            .iter()
            .map(|event| (event["data"]["key"]["key"].as_str().unwrap(), &event["data"]["seq"]))
            .collect();
        assert_eq!(of_keys.len(), sold, "a key has more than one effect");
        for sale in &sales {
            assert_eq!(
                of_keys.get(sale.key.as_str()),
                Some(&&sale.body["seq"]),
                "{} is lost",
                sale.key
            );
        }
        primary = standby;
    }
    println!(
        "{rounds} failovers: {sold} sold, slowest to sell again after the promotion {slowest:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_is_waited_for_within_bounds_and_reads_are_marked_stale() {
    let server = server(&[]).await;
    let url = server.database().await;
    let bounds = [
        ("STORE_STATEMENT_TIMEOUT_S", "1.0"),
        ("STORE_LOCK_TIMEOUT_S", "0.5"),
        ("STORE_CONNECT_TIMEOUT_S", "0.5"),
        ("STORE_RESOLVE_TIMEOUT_S", "1.0"),
    ];
    let replica = vacancy(&url, &bounds).await;
    let client = replica.client();
    assert_eq!(client.available().await, 100_000);
    let crowd = Crowd::gather(&[replica.base().to_owned()], 8);
    tokio::time::sleep(Duration::from_millis(200)).await;
    server.freeze(true);
    tokio::time::sleep(HANG).await;
    // By now it is known: refusals are immediate, reads are told as stale, readiness says why and
    // gives nothing away.
    let since = Instant::now();
    let refused = client.post("/api/v1/reserve", json!({"qty": 1})).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "store_unavailable"));
    assert!(!refused.header("retry-after").is_empty());
    let read = client.get("/api/v1/available").await;
    assert_eq!((read.status, read.json()["stale"].as_bool()), (200, Some(true)));
    assert!(!read.header("age").is_empty());
    assert!(client.get("/api/v1/events").await.json()["events"][0]["stale"] == true);
    // Less than one of the bounds above, though not at every moment of a busy machine.
    let mut fastest = since.elapsed();
    for _ in 0..5 {
        let since = Instant::now();
        assert_eq!(client.post("/api/v1/reserve", json!({"qty": 1})).await.status, 503);
        fastest = fastest.min(since.elapsed());
    }
    assert!(fastest < Duration::from_millis(400), "{fastest:?}");
    let ready = client.get("/ready").await;
    let text = String::from_utf8(ready.bytes.clone()).unwrap();
    assert_eq!(ready.status, 503);
    assert!(
        text.contains("database unreachable")
            && !text.contains("127.0.0.1")
            && !text.contains("postgres:"),
        "{text}"
    );
    assert_eq!(client.get("/health").await.status, 200);
    server.freeze(false);
    let again = crowd.sells_again(Instant::now(), PATIENCE).await;
    let slowest_ms = crowd.slowest_ms.load(Ordering::SeqCst);
    let sales = crowd.disperse().await;
    until_ready(&client, PATIENCE).await;
    check(&client, &sales).await;
    assert!(client.get("/api/v1/available").await.json().get("stale").is_none());
    // A load, a commit, and asking what became of it: each has its bound.
    assert!(slowest_ms < 6_000, "a caller waited {slowest_ms} ms");
    println!("hung for {HANG:?}: slowest answer {slowest_ms} ms, sold again after {again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_without_a_database_and_is_ready_when_it_comes() {
    let mut server = server(&[]).await;
    let url = server.database().await;
    server.kill();
    let replica = vacancy(&url, &[]).await;
    let client = replica.client();
    assert_eq!(client.get("/ready").await.status, 503);
    assert_eq!(client.get("/api/v1/available").await.status, 503);
    tokio::task::spawn_blocking(move || {
        server.launch();
        server
    })
    .await
    .map(std::mem::forget)
    .unwrap();
    until_ready(&client, PATIENCE).await;
    let since = Instant::now();
    while client.get("/api/v1/available").await.status != 200 {
        assert!(since.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(client.post("/api/v1/reserve", json!({"qty": 2})).await.json()["success"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_in_transaction_mode_may_be_in_between() {
    let server = server(&[]).await;
    let database = server.database().await;
    let (_program, port, _dir) = bouncer(&server);
    let name = database.rsplit('/').next().unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{port}/{name}");
    let (one, two) = (vacancy(&url, &PATIENT).await, vacancy(&url, &PATIENT).await);
    let crowd = Crowd::gather(&[one.base().to_owned(), two.base().to_owned()], 24);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let refused = crowd.refused.load(Ordering::SeqCst);
    let sales = crowd.disperse().await;
    assert_eq!(refused, 0);
    check(&one.client(), &sales).await;
    assert!(sales.len() > 100);
    let held = two
        .client()
        .post(
            "/api/v1/holds",
            json!({"event": "default", "items": [{"stock": "general", "qty": 2}], "ttl_s": 1}),
        )
        .await;
    assert_eq!(held.status, 201);
    let before = one.client().available().await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(one.client().available().await, before + 2);
    println!("through the pooler: {} sold", sales.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monolith_keeps_its_stock_there_too() {
    let server = server(&[]).await;
    let url = server.database().await;
    let env =
        [("DEPLOYMENT_MODE", "monolith"), ("STORE_URL", url.as_str()), ("INITIAL_STOCK", "10")];
    let (one, two) = (Process::start("ticket", &env).await, Process::start("ticket", &env).await);
    for (number, process) in [&one, &two, &one, &two].into_iter().enumerate() {
        let answer = process.client().post("/api/v1/purchase", json!({"qty": 2})).await.json();
        assert_eq!(
            (&answer["success"], &answer["remaining"]),
            (&json!(true), &json!(8 - 2 * number))
        );
    }
    assert_eq!(one.terminate().await, Some(0));
}
