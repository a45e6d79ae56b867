//! A simulation from its seed to its judgement.

use std::time::Duration;

use checker::{Checked, Finding, History, check};
use inventory::EventName;
use inventory::ledger::Hash;
use inventory::planted::{Bug, plant};
use inventory::store::{EventView, OwnedStore};
use thiserror::Error;

use crate::buyer::Buyer;
use crate::clock::SimClock;
use crate::disk::Disk;
use crate::nemesis::{Done, Nemesis};
use crate::store::{SimStore, records};
use crate::vacancy::{self, Machine};

/// The hosts on which buyers live.
pub const BUYER_HOSTS: [&str; 2] = ["north", "south"];
const TICK: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_secs(300);

/// What happens, but for what the seed decides.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Decides everything.
    pub seed: u64,
    /// Buyers on each of the two hosts.
    pub buyers: u64,
    /// Calls of each buyer.
    pub calls: u32,
    /// The longest pause of a buyer, milliseconds.
    pub pause_max_ms: u64,
    /// How often a buyer sends a request twice at once, 0 to 1.
    pub twice: f64,
    /// Tickets of the default stock.
    pub capacity: u64,
    /// The limit per customer of event gala.
    pub limit_per_customer: u64,
    /// The longest time in which nothing new goes wrong, milliseconds.
    pub calm_max_ms: u64,
    /// A bug to be planted.
    pub bug: Option<Bug>,
}

impl Scenario {
    /// The scenario of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self {
            seed,
            buyers: 3,
            calls: 30,
            pause_max_ms: 60,
            twice: 0.1,
            capacity: 60 + seed % 5 * 40,
            limit_per_customer: 5,
            calm_max_ms: 400,
            bug: None,
        }
    }
}

/// Why a simulation failed.
#[derive(Debug, Error)]
pub enum Failure {
    /// An invariant is broken.
    #[error(transparent)]
    Broken(#[from] Finding),
    /// The process could not start on what was on its disk, or panicked.
    #[error("the simulation ended: {0}")]
    Ended(String),
    /// Readers saw other counts than the ledger has.
    #[error("the counts in memory are not those of the ledger: {0}")]
    Counts(String),
}

/// A simulation in which nothing was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What was checked.
    pub checked: Checked,
    /// What went wrong on the way.
    pub done: Done,
    /// How long it was in the simulation's time.
    pub elapsed: Duration,
    /// The hash of all ledgers: the same for the same seed.
    pub fingerprint: String,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { checked, done, elapsed, fingerprint } = self;
        write!(
            f,
            "{} calls, {} acknowledged, {} unknown of which {} had happened, {} records; {} kills, {} power losses, {} store failures, \
             {} partitions, {} messages held, {} clock jumps in {:.1} s; {fingerprint}",
            checked.calls,
            checked.acknowledged,
            checked.unknown,
            checked.unknown_done,
            checked.records,
            done.kills,
            done.power_losses,
            done.failures,
            done.partitions,
            done.holds,
            done.jumps,
            elapsed.as_secs_f64()
        )
    }
}

/// Runs a scenario and judges it.
///
/// # Errors
/// [`Failure`].
pub fn run(scenario: &Scenario) -> Result<Outcome, Failure> {
    // On a thread of its own, which alone has the planted bug.
    let on_thread = || {
        plant(scenario.bug);
        simulate(scenario)
    };
    let ended = std::thread::scope(|scope| scope.spawn(on_thread).join());
    ended.unwrap_or_else(|_| Err(Failure::Ended("a panic".into())))
}

fn simulate(scenario: &Scenario) -> Result<Outcome, Failure> {
    let history = History::default();
    let machine = Machine { disk: Disk::new(scenario.seed), clock: SimClock::default(), engine: std::sync::Arc::default() };
    let mut sim = turmoil::Builder::new()
        .rng_seed(scenario.seed)
        .tick_duration(TICK)
        .simulation_duration(LONGEST)
        .min_message_latency(Duration::from_micros(200))
        .max_message_latency(Duration::from_millis(12))
        .tcp_capacity(4_096)
        .build();
    let (of_host, scenario_of_host) = (machine.clone(), scenario.clone());
    let starts = std::cell::Cell::new(0_u64);
    sim.host(vacancy::HOST, move || {
        starts.set(starts.get() + 1);
        vacancy::process(of_host.clone(), scenario_of_host.clone(), starts.get())
    });
    for (at, host) in (0..).zip(BUYER_HOSTS) {
        let buyers: Vec<_> = (0..scenario.buyers).map(|number| Buyer::new(at * 100 + number, scenario, history.clone())).collect();
        sim.client(host, async move {
            let running: Vec<_> = buyers.into_iter().map(|buyer| tokio::spawn(buyer.run())).collect();
            for one in running {
                one.await?;
            }
            Ok(())
        });
    }
    let mut nemesis = Nemesis::new(scenario, machine.clone());
    let ended = |error: Box<dyn std::error::Error>| Failure::Ended(error.to_string());
    while !sim.step().map_err(ended)? {
        nemesis.step(&mut sim);
    }
    let elapsed = sim.elapsed();
    judge(&history, &machine, nemesis.done, elapsed)
}

fn judge(history: &History, machine: &Machine, done: Done, elapsed: Duration) -> Result<Outcome, Failure> {
    let entries = records(&machine.disk);
    let mut ledgers: Vec<(EventName, Vec<Vec<u8>>)> = Vec::new();
    for entry in entries {
        match ledgers.iter_mut().find(|(event, _)| *event == entry.event) {
            Some((_, bodies)) => bodies.push(entry.body),
            None => ledgers.push((entry.event, vec![entry.body])),
        }
    }
    let checked = check(history, &ledgers)?;
    counts(machine)?;
    let all: Vec<u8> = ledgers.iter().flat_map(|(_, bodies)| bodies.iter().flatten().copied()).collect();
    Ok(Outcome { checked, done, elapsed, fingerprint: Hash::of(&all).to_string() })
}

/// What readers saw last is a prefix of what recovery finds, and is exactly what it finds when nothing was under way.
fn counts(machine: &Machine) -> Result<(), Failure> {
    let seen = machine.published();
    let opened = std::pin::pin!(SimStore::open(&machine.disk));
    let waker = std::task::Waker::noop();
    let std::task::Poll::Ready(recovered) = opened.poll(&mut std::task::Context::from_waker(waker)) else {
        return Err(Failure::Counts("opening waits".into()));
    };
    let recovered = recovered.map_err(|error| Failure::Ended(error.to_string()))?.views();
    for EventView { event, .. } in &seen {
        let found = recovered.iter().map(|view| &view.event).find(|other| other.name == event.name);
        let same = found.is_some_and(|found| found.seq > event.seq || found == event);
        if !same {
            return Err(Failure::Counts(format!("seen {event:?}, recovered {found:?}")));
        }
    }
    Ok(())
}
