//! Calls spread over several vacancy processes behind one name. The processes listen on 127.0.0.1,
//! 127.0.0.2 and so on, and the test resolves the name.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use config::Source;
use serde_json::json;
use system_tests::{Client, Process, free_port};
use ticket::{
    TicketSettings,
    client::{BoxFuture, RemoteVacancyClient, Resolver},
    service,
};
use tokio::{net::TcpListener, sync::oneshot};

use crate::postgres::support::{LONG_TIMEOUTS, start_server};

/// Name records that a test changes.
#[derive(Clone, Default)]
struct Names(Arc<Mutex<Vec<IpAddr>>>);

impl Names {
    fn set(&self, numbers: &[u8]) {
        *self.0.lock().unwrap() =
            numbers.iter().map(|number| [127, 0, 0, *number].into()).collect();
    }
}

impl Resolver for Names {
    fn resolve(&self) -> BoxFuture<'_, io::Result<Vec<IpAddr>>> {
        let found = self.0.lock().unwrap().clone();
        Box::pin(async move { Ok(found) })
    }
}

/// A ticket service in this process, in front of the name `vacancy`.
struct Ticket {
    base: String,
    _stop: oneshot::Sender<()>,
}

async fn ticket(names: &Names, port: u16) -> Ticket {
    let url = format!("http://vacancy.test:{port}");
    let settings = [("VACANCY_URL", url.as_str()), ("VACANCY_TIMEOUT", "5")];
    let settings = TicketSettings::from_source(&Source::from_pairs(settings)).unwrap();
    let client =
        RemoteVacancyClient::with_resolver(&settings.link, Arc::new(names.clone())).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let end = async { drop(stopped.await) };
        service::serve_with(&settings, client, listener, end).await.unwrap();
    });
    Ticket { base, _stop: stop }
}

async fn vacancy(number: u8, port: u16, store: &str) -> Process {
    let (host, port) = (format!("127.0.0.{number}"), port.to_string());
    let env = [
        ("HOST", host.as_str()),
        ("VACANCY_PORT", &port),
        ("STORE_URL", store),
        ("CACHE_TTL_SECONDS", "0"),
        ("INITIAL_STOCK", "1000000"),
    ];
    Process::start_by(&[], &host, "vacancy", &[&env[..], &LONG_TIMEOUTS].concat()).await
}

async fn metrics(base: &str) -> String {
    String::from_utf8(Client::new(base).get("/metrics").await.bytes).unwrap()
}

/// The calls that a process has answered, batches and single ones.
async fn calls(process: &Process) -> f64 {
    metrics(process.base())
        .await
        .lines()
        .filter(|line| line.starts_with("http_requests_total") && line.contains("/internal/batch"))
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

/// Buyers that buy one after the other over connections that stay open.
struct Buyers {
    over: Arc<AtomicBool>,
    sold: Arc<AtomicUsize>,
    failed: Arc<Mutex<Vec<String>>>,
    running: Vec<tokio::task::JoinHandle<()>>,
}

impl Buyers {
    fn start(base: &str, count: usize) -> Self {
        let (over, sold) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let failed = Arc::<Mutex<Vec<String>>>::default();
        let running = (0..count).map(|_| {
            let (over, sold, failed) = (over.clone(), sold.clone(), failed.clone());
            let client = Client::new(base);
            tokio::spawn(async move {
                while !over.load(SeqCst) {
                    let answer = client.post("/api/v1/purchase", json!({"qty": 1})).await;
                    if answer.status == 200 && answer.json()["success"] == true {
                        sold.fetch_add(1, SeqCst);
                    } else {
                        let words = format!("{} {}", answer.status, answer.json());
                        failed.lock().unwrap().push(words);
                    }
                }
            })
        });
        Self { running: running.collect(), over, sold, failed }
    }

    /// Waits for `count` more sales.
    async fn sell(&self, count: usize) {
        let (since, before) = (Instant::now(), self.sold.load(SeqCst));
        while self.sold.load(SeqCst) < before + count {
            assert!(since.elapsed() < Duration::from_secs(120), "{count} sales take too long");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn end(self) -> usize {
        self.over.store(true, SeqCst);
        for buyer in self.running {
            buyer.await.unwrap();
        }
        let failed = self.failed.lock().unwrap().clone();
        assert!(failed.is_empty(), "{} failed: {:?}", failed.len(), &failed[..failed.len().min(3)]);
        self.sold.load(SeqCst)
    }
}

/// Waits for a line of the metrics, longer than the host is resolved anew.
async fn await_metric(base: &str, line: &str) {
    let (since, line) = (Instant::now(), format!("\n{line}\n"));
    while !metrics(base).await.contains(&line) {
        assert!(since.elapsed() < Duration::from_secs(5), "no {line}{}", metrics(base).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn assert_even(shares: &[f64]) {
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    assert!(shares.iter().all(|share| (share - mean).abs() <= mean * 0.2), "{shares:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn load_follows_vacancy_from_one_process_to_three_and_back() {
    let (server, port) = (start_server(&[]).await, free_port());
    let store = server.database().await;
    let names = Names::default();
    let first = vacancy(1, port, &store).await;
    names.set(&[1]);
    let ticket = ticket(&names, port).await;
    let buyers = Buyers::start(&ticket.base, 12);
    buyers.sell(100).await;

    let (second, third) = (vacancy(2, port, &store).await, vacancy(3, port, &store).await);
    names.set(&[1, 2, 3]);
    let since = Instant::now();
    while calls(&second).await == 0.0 || calls(&third).await == 0.0 {
        assert!(since.elapsed() < Duration::from_secs(2), "new processes get no calls");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let all = [&first, &second, &third];
    let count = || async { futures::future::join_all(all.map(calls)).await };
    let before = count().await;
    buyers.sell(600).await;
    let shares: Vec<_> =
        count().await.iter().zip(&before).map(|(after, before)| after - before).collect();
    assert_even(&shares);

    // One leaves the name before it ends, as pods do, the other one ends without a warning.
    names.set(&[1, 3]);
    await_metric(&ticket.base, "vacancy_endpoints 2").await;
    // Calls that were in flight end.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let gone = calls(&second).await;
    buyers.sell(100).await;
    assert_eq!(calls(&second).await, gone, "a process that has left gets no calls");
    assert_eq!(second.terminate().await, Some(0));
    assert_eq!(third.terminate().await, Some(0));
    buyers.sell(200).await;
    names.set(&[1]);
    buyers.sell(100).await;
    let sold = buyers.end().await;
    await_metric(&ticket.base, "vacancy_endpoints 1").await;
    await_metric(&ticket.base, "vacancy_calls_in_flight 0").await;
    let left = first.client().available().await;
    assert_eq!(left, 1_000_000 - sold as u64, "every sale counts once");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_process_costs_no_sale() {
    let (server, port) = (start_server(&[]).await, free_port());
    let store = server.database().await;
    let names = Names::default();
    let mut all = Vec::new();
    for number in 1..=3 {
        all.push(vacancy(number, port, &store).await);
    }
    names.set(&[1, 2, 3]);
    let ticket = ticket(&names, port).await;
    let buyers = Buyers::start(&ticket.base, 8);
    buyers.sell(100).await;
    // The name still leads to it for a while.
    all.pop().unwrap().kill().await;
    buyers.sell(200).await;
    names.set(&[1, 2]);
    buyers.sell(100).await;
    buyers.end().await;
    let client = Client::new(&ticket.base);
    assert_eq!(client.get("/ready").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn probe_and_purchases_pass_by_a_hanging_process() {
    let (server, port) = (start_server(&[]).await, free_port());
    let store = server.database().await;
    let names = Names::default();
    let (one, two) = (vacancy(1, port, &store).await, vacancy(2, port, &store).await);
    names.set(&[1, 2]);
    let ticket = ticket(&names, port).await;
    let client = Client::new(&ticket.base);
    assert_eq!(client.post("/api/v1/purchase", json!({"qty": 1})).await.status, 200);
    two.signal("STOP");
    for _ in 0..5 {
        let ready = client.get("/ready").await;
        assert_eq!(ready.status, 200, "{}", ready.json());
    }
    two.signal("CONT");
    one.signal("TERM");
    let since = Instant::now();
    while client.post("/api/v1/purchase", json!({"qty": 1})).await.status != 200 {
        assert!(since.elapsed() < Duration::from_secs(20));
    }
    drop(one);
    assert_eq!(two.terminate().await, Some(0));
}
