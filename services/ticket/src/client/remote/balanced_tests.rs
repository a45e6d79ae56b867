//! Tests of the balancing, with fake endpoints.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use http::{Request, Response};
use parking_lot::Mutex;
use public_api::BoxFuture;
use tokio::time::{Instant, sleep};

use super::{
    super::link_settings::EndpointSettings,
    balanced::Balanced,
    connector::Connector,
    resolver::Resolver,
    transport::{Transport, TransportError},
};

const INTERVAL: Duration = Duration::from_secs(1);

/// A network of hosts that accept or refuse connections, and count what reaches them.
#[derive(Default)]
struct Hosts {
    resolved: Mutex<Vec<u8>>,
    resolver_fails: Mutex<bool>,
    resolutions: Mutex<usize>,
    refusing: Mutex<BTreeSet<u8>>,
    hanging: Mutex<BTreeSet<u8>>,
    calls: Mutex<BTreeMap<u8, usize>>,
    /// Connections tried by real calls.
    refused_calls: Mutex<usize>,
    reconnects: Mutex<usize>,
}

fn ip(number: u8) -> IpAddr {
    [127, 0, 0, number].into()
}

fn number(ip: IpAddr) -> u8 {
    match ip {
        IpAddr::V4(ip) => ip.octets()[3],
        IpAddr::V6(_) => 0,
    }
}

struct Net(Arc<Hosts>);
struct Host(Arc<Hosts>, u8);

impl Resolver for Net {
    fn resolve(&self) -> BoxFuture<'_, io::Result<Vec<IpAddr>>> {
        *self.0.resolutions.lock() += 1;
        let found = self.0.resolved.lock().iter().copied().map(ip).collect();
        let fails = *self.0.resolver_fails.lock();
        Box::pin(async move { if fails { Err(io::Error::other("no server")) } else { Ok(found) } })
    }
}

impl Connector for Net {
    fn open(&self, ip: IpAddr) -> Result<Box<dyn Transport>, String> {
        Ok(Box::new(Host(self.0.clone(), number(ip))))
    }

    fn accepts(&self, ip: IpAddr) -> BoxFuture<'_, bool> {
        let accepts = !self.0.refusing.lock().contains(&number(ip));
        Box::pin(async move { accepts })
    }
}

impl Transport for Host {
    fn send(
        &self,
        _: Request<Vec<u8>>,
        _: usize,
    ) -> BoxFuture<'_, Result<Response<Vec<u8>>, TransportError>> {
        Box::pin(async {
            if self.0.refusing.lock().contains(&self.1) {
                *self.0.refused_calls.lock() += 1;
                return Err(TransportError::Connect("refused".to_owned()));
            }
            *self.0.calls.lock().entry(self.1).or_default() += 1;
            let hangs = self.0.hanging.lock().contains(&self.1);
            sleep(if hangs { Duration::from_secs(60) } else { Duration::from_millis(5) }).await;
            Ok(Response::new(Vec::new()))
        })
    }

    fn reconnect(&self) {
        *self.0.reconnects.lock() += 1;
    }
}

fn balanced(numbers: &[u8]) -> (Arc<Hosts>, Arc<Balanced>) {
    let hosts = Arc::new(Hosts::default());
    *hosts.resolved.lock() = numbers.to_vec();
    let settings =
        EndpointSettings { resolve_interval: INTERVAL, connection_age: Duration::from_secs(60) };
    let (connector, resolver) = (Arc::new(Net(hosts.clone())), Arc::new(Net(hosts.clone())));
    let wait = Duration::from_millis(500);
    let balanced = Balanced::new(connector, resolver, Arc::default(), settings, wait);
    (hosts, Arc::new(balanced))
}

impl Hosts {
    /// The calls since the last look, by host.
    fn shares(&self) -> BTreeMap<u8, usize> {
        std::mem::take(&mut *self.calls.lock())
    }
}

/// Keeps `callers` calls in flight for a time; returns how many failed.
async fn load(balanced: &Arc<Balanced>, callers: usize, time: Duration) -> usize {
    let until = Instant::now() + time;
    let callers = (0..callers).map(|_| {
        let balanced = balanced.clone();
        tokio::spawn(async move {
            let mut failed = 0;
            while Instant::now() < until {
                let call = balanced.send(Request::new(Vec::new()), 1);
                match tokio::time::timeout(Duration::from_millis(500), call).await {
                    Ok(Ok(_)) => {}
                    _ => failed += 1,
                }
                // A caller that fails tries again after a pause.
                sleep(Duration::from_millis(1)).await;
            }
            failed
        })
    });
    futures::future::join_all(callers).await.into_iter().map(|failed| failed.unwrap_or(0)).sum()
}

fn assert_even(shares: &BTreeMap<u8, usize>, numbers: &[u8]) {
    assert_eq!(shares.keys().copied().collect::<Vec<_>>(), numbers, "{shares:?}");
    let mean = shares.values().sum::<usize>() / numbers.len();
    for share in shares.values() {
        assert!(share.abs_diff(mean) * 5 <= mean, "{shares:?}");
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn calls_follow_the_endpoints_from_one_to_three_to_one() {
    let (hosts, balanced) = balanced(&[1]);
    assert_eq!(load(&balanced, 2, SECOND * 2).await, 0);
    assert_even(&hosts.shares(), &[1]);
    *hosts.resolved.lock() = vec![3, 1, 2, 2];
    assert_eq!(load(&balanced, 2, SECOND + SECOND / 10).await, 0);
    assert!(hosts.shares().len() == 3, "new endpoints take load within 2 s");
    for callers in [1, 2, 3, 7] {
        assert_eq!(load(&balanced, callers, SECOND * 2).await, 0);
        assert_even(&hosts.shares(), &[1, 2, 3]);
    }
    *hosts.resolved.lock() = vec![2];
    assert_eq!(load(&balanced, 2, SECOND + SECOND / 10).await, 0);
    hosts.shares();
    assert_eq!(load(&balanced, 2, SECOND * 2).await, 0);
    assert_even(&hosts.shares(), &[2]);
    assert_eq!(balanced.endpoints().known, 1);
}

#[tokio::test(start_paused = true)]
async fn refusing_endpoint_is_found_out_without_calls() {
    // As localhost with two addresses of which one has no listener.
    let (hosts, balanced) = balanced(&[1, 2]);
    hosts.refusing.lock().insert(1);
    assert_eq!(load(&balanced, 2, SECOND * 20).await, 0);
    assert_eq!(*hosts.refused_calls.lock(), 0);
    assert_eq!((hosts.shares().len(), balanced.endpoints().left_out), (1, 1));
    hosts.refusing.lock().clear();
    sleep(SECOND * 6).await;
    load(&balanced, 2, SECOND).await;
    assert_even(&hosts.shares(), &[1, 2]);
}

#[tokio::test(start_paused = true)]
async fn endpoint_that_dies_fails_one_call_per_caller() {
    let (hosts, balanced) = balanced(&[1, 2, 3]);
    load(&balanced, 2, SECOND).await;
    hosts.refusing.lock().insert(3);
    let before = *hosts.resolutions.lock();
    let failed = load(&balanced, 2, SECOND / 2).await;
    assert!((1..=2).contains(&failed), "{failed}");
    let asked = *hosts.resolutions.lock() - before;
    assert!((1..=5).contains(&asked), "a failure causes a resolution at once: {asked}");
    assert_eq!(load(&balanced, 2, SECOND * 10).await, 0);
}

#[tokio::test(start_paused = true)]
async fn all_refusing_endpoints_stay_in_use() {
    let (hosts, balanced) = balanced(&[1, 2]);
    load(&balanced, 2, SECOND).await;
    hosts.refusing.lock().extend([1, 2]);
    assert!(load(&balanced, 2, SECOND).await > 10, "calls still try them");
    hosts.refusing.lock().clear();
    hosts.shares();
    assert_eq!(load(&balanced, 2, SECOND * 6).await, 0);
    hosts.shares();
    load(&balanced, 2, SECOND).await;
    assert_even(&hosts.shares(), &[1, 2]);
}

#[tokio::test(start_paused = true)]
async fn hanging_endpoint_gets_few_calls() {
    let (hosts, balanced) = balanced(&[1, 2, 3]);
    hosts.hanging.lock().insert(2);
    load(&balanced, 2, SECOND * 20).await;
    let shares = hosts.shares();
    assert!(shares[&2] <= 16 && shares[&1] > 500, "{shares:?}");
}

#[tokio::test(start_paused = true)]
async fn silent_name_server_changes_nothing_and_an_empty_answer_all() {
    let (hosts, balanced) = balanced(&[1, 2]);
    load(&balanced, 2, SECOND).await;
    *hosts.resolver_fails.lock() = true;
    hosts.resolved.lock().clear();
    assert_eq!(load(&balanced, 2, SECOND * 30).await, 0);
    *hosts.resolver_fails.lock() = false;
    sleep(SECOND * 2).await;
    hosts.shares();
    let refused = balanced.send(Request::new(Vec::new()), 1).await;
    assert!(matches!(refused, Err(TransportError::Connect(_))), "{refused:?}");
    assert!(hosts.shares().is_empty(), "an endpoint that is gone gets no calls");
    *hosts.resolved.lock() = vec![2];
    sleep(SECOND + SECOND / 5).await;
    assert!(balanced.send(Request::new(Vec::new()), 1).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn call_in_flight_outlives_its_endpoint() {
    let (hosts, balanced) = balanced(&[1]);
    hosts.hanging.lock().insert(1);
    let sender = balanced.clone();
    let slow = tokio::spawn(async move { sender.send(Request::new(Vec::new()), 1).await });
    sleep(SECOND).await;
    *hosts.resolved.lock() = vec![2];
    sleep(SECOND * 2).await;
    assert_eq!(balanced.endpoints().known, 1);
    assert!(!slow.is_finished());
    assert!(slow.await.expect("no panic").is_ok(), "it ends as usual");
}

#[tokio::test(start_paused = true)]
async fn connections_are_replaced_at_their_age() {
    let (hosts, balanced) = balanced(&[1]);
    assert_eq!(load(&balanced, 1, SECOND * 50).await, 0);
    assert_eq!(*hosts.reconnects.lock(), 0);
    assert_eq!(load(&balanced, 1, SECOND * 150).await, 0);
    let reconnects = *hosts.reconnects.lock();
    assert!((3..=4).contains(&reconnects), "{reconnects} in 200 s");
}

#[tokio::test(start_paused = true)]
async fn resolutions_keep_to_their_interval() {
    let (hosts, balanced) = balanced(&[1]);
    load(&balanced, 4, SECOND * 30).await;
    let resolutions = *hosts.resolutions.lock();
    assert!((28..=32).contains(&resolutions), "{resolutions} in 30 s");
    hosts.refusing.lock().insert(1);
    load(&balanced, 4, SECOND * 10).await;
    let asked = *hosts.resolutions.lock() - resolutions;
    assert!(asked <= 101, "at most every 100 ms: {asked}");
}
