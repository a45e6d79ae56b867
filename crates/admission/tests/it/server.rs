//! A simulated server: above its capacity, latency rises and requests are refused.

use std::collections::VecDeque;

use admission::{Health, Pace, PaceReason, PaceSettings};

use crate::chance::Chance;

/// Calls per second that the server bears.
const CAPACITY: f64 = 1_000.0;
/// Latency without a queue.
const BASE_MS: f64 = 20.0;
/// Seconds of work that the server queues; it refuses what comes beyond.
const QUEUE_S: f64 = 0.5;
/// Seconds that latency is measured over.
const WINDOW: usize = 5;
/// Seconds until the last of those who are called together has come.
const SPREAD: u64 = 3;

const SETTINGS: PaceSettings = PaceSettings {
    start_per_s: 300.0,
    min_per_s: 1.0,
    max_per_s: 10_000.0,
    add_per_s: 1.0,
    p99_target_ms: 200.0,
};

struct Server {
    chance: Chance,
    queue: f64,
    /// Requests that will come in the next seconds.
    coming: VecDeque<u64>,
    /// Latency and number of requests of the last seconds.
    window: VecDeque<(f64, u64)>,
}

impl Server {
    fn new(seed: u64) -> Self {
        let (coming, window) = (VecDeque::new(), VecDeque::new());
        Self { chance: Chance(seed), queue: 0.0, coming, window }
    }

    /// One second with `calls` places called, each of which makes a request soon.
    fn second(&mut self, calls: u64, capacity: f64) -> Health {
        self.coming.resize(usize::try_from(SPREAD).unwrap() + 1, 0);
        for _ in 0..calls {
            let delay = self.chance.within(0, SPREAD);
            self.coming[usize::try_from(delay).unwrap()] += 1;
        }
        let arrived = self.coming.pop_front().unwrap_or_default() as f64;
        let served = (self.queue + arrived).min(capacity);
        let rest = self.queue + arrived - served;
        self.queue = rest.min(capacity * QUEUE_S);
        self.window.push_back((BASE_MS + self.queue / capacity * 1_000.0, served as u64));
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
        Health {
            refused: (rest - self.queue) as u64,
            p99_ms: self.window.iter().map(|(latency, _)| *latency).reduce(f64::max),
            samples: self.window.iter().map(|(_, served)| served).sum(),
        }
    }
}

/// Runs paces that share a server for `seconds`; the rate of each at the end of each second.
fn run(server: &mut Server, paces: &mut [Pace], capacity: f64, seconds: u64) -> Vec<Vec<f64>> {
    let mut health = Health::default();
    let second = |_| {
        let mut calls = 0;
        for pace in &mut *paces {
            pace.tick(1_000, health);
            calls += pace.take(u64::MAX);
        }
        health = server.second(calls, capacity);
        paces.iter().map(Pace::per_s).collect()
    };
    (0..seconds).map(second).collect()
}

fn range(name: &str, rates: &[Vec<f64>]) -> (f64, f64) {
    let sums = || rates.iter().map(|rates| rates.iter().sum::<f64>());
    let (least, most) = (sums().fold(f64::MAX, f64::min), sums().fold(0.0, f64::max));
    let mean = sums().sum::<f64>() / rates.len() as f64;
    println!("{name}: {least:.1} to {most:.1} calls/s, mean {mean:.1}");
    (least, most)
}

/// The rate stays between half of the capacity and 10 % above it.
fn assert_settled(name: &str, rates: &[Vec<f64>], capacity: f64) {
    let (least, most) = range(name, rates);
    assert!(least >= 0.5 * capacity && most <= 1.1 * capacity, "{name}");
}

#[test]
fn rate_follows_the_capacity() {
    for seed in 0..5 {
        let (mut server, mut paces) = (Server::new(seed), [Pace::new(SETTINGS)]);
        let mut run = |capacity, seconds| run(&mut server, &mut paces, capacity, seconds);
        run(CAPACITY, 800);
        assert_settled(&format!("seed {seed}, settled"), &run(CAPACITY, 1_000), CAPACITY);
        let reduced = CAPACITY / 5.0;
        run(reduced, 60);
        assert_settled(&format!("seed {seed}, a fifth"), &run(reduced, 1_000), reduced);
        run(CAPACITY, 450);
        assert_settled(&format!("seed {seed}, recovered"), &run(CAPACITY, 1_000), CAPACITY);
    }
}

#[test]
fn paces_that_share_a_server_come_to_equal_rates() {
    let high = PaceSettings { start_per_s: 800.0, ..SETTINGS };
    let mut paces = [Pace::new(high), Pace::new(SETTINGS)];
    let mut server = Server::new(1);
    run(&mut server, &mut paces, CAPACITY, 2_000);
    let rates = run(&mut server, &mut paces, CAPACITY, 600);
    range("two paces", &rates);
    for rates in rates {
        assert!((rates[0] / rates[1] - 1.0).abs() < 0.1, "{rates:?}");
    }
}

#[test]
fn dead_server_gets_the_lowest_rate_and_recovers() {
    let mut pace = Pace::new(SETTINGS);
    let down = Health { refused: 1, ..Health::default() };
    let mut reasons = (0..120).map(|_| pace.tick(1_000, down));
    assert!(reasons.all(|reason| {
        matches!(reason, PaceReason::HalvedByRefusals | PaceReason::CoolingDown)
    }));
    assert_eq!(pace.per_s(), SETTINGS.min_per_s);
    let rates = run(&mut Server::new(1), &mut [pace], CAPACITY, 600);
    assert!(rates.last().unwrap()[0] > 0.5 * CAPACITY);
}
