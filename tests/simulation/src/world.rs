//! A simulation from its seed to its judgement.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use checker::{Checked, Finding, History, check};
use inventory::{EventName, Hash, IdempotencyKey};
use inventory_store::{EventView, OwnedStore};
use rand::{SeedableRng, rngs::StdRng};
use thiserror::Error;
use tokio::time::Instant;

use crate::{
    buyer::Buyer,
    clock::SimClock,
    disk::Disk,
    nemesis::{Done, Nemesis},
    purchase::Purchase,
    relay,
    store::{SimStore, records},
    ticket::{self, Seen},
    vacancy::{self, Machine},
};

/// The hosts on which buyers live.
pub const BUYER_HOSTS: [&str; 2] = ["north", "south"];
const TICK: Duration = Duration::from_millis(2);
const LONGEST: Duration = Duration::from_secs(300);
/// When all is well again, ticket sells within this time.
const HEALS_IN: Duration = Duration::from_secs(5);
/// How long the last outage is.
const OUTAGE: Duration = Duration::from_secs(2);

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
    /// Whether what lies between the services delivers requests twice.
    pub duplicates: bool,
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
            duplicates: seed % 2 == 1,
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
    /// All is well again, and ticket does not sell.
    #[error("when all was well again ticket did not sell within {} s", HEALS_IN.as_secs())]
    Stuck,
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
    /// What ticket's way to vacancy went through.
    pub way: Way,
    /// How long it took until ticket sold, when all was well again.
    pub healed_in: Duration,
    /// How long it was in the simulation's time.
    pub elapsed: Duration,
    /// The hash of all ledgers: the same for the same seed.
    pub fingerprint: String,
}

/// What ticket's way to vacancy went through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Way {
    /// Calls to vacancy.
    pub calls: u64,
    /// Purchases they carried, repetitions not counted.
    pub carried: u64,
    /// Loads of purchases that were carried.
    pub loads: u64,
    /// Calls that were repeated.
    pub retries: u64,
    /// Times the breaker opened.
    pub opened: u64,
    /// Requests that the relay delivered twice.
    pub again: u64,
}

/// Where the story stands.
#[derive(Clone, Default)]
pub struct Course(Arc<CourseState>);

#[derive(Default)]
struct CourseState {
    hosts_done: AtomicU64,
    outage: AtomicBool,
    calm: AtomicBool,
    healed_in: Mutex<Option<Duration>>,
}

impl Course {
    /// Whether nothing goes wrong any more.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        self.0.calm.load(Ordering::SeqCst)
    }

    /// Whether the last trouble is on: ticket does not reach vacancy, and nothing else is wrong.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        self.0.outage.load(Ordering::SeqCst)
    }

    /// Waits until all buyers are done; sees an outage through, in which the breaker opens; and
    /// when all is well again buys until something is sold, or refused for good.
    async fn end(self, scenario: Scenario, history: History) -> turmoil::Result {
        while self.0.hosts_done.load(Ordering::SeqCst) < BUYER_HOSTS.len() as u64 {
            tokio::time::sleep(TICK).await;
        }
        self.0.outage.store(true, Ordering::SeqCst);
        let (mut since, mut rng) = (Instant::now(), StdRng::seed_from_u64(scenario.seed));
        for number in 0.. {
            if !self.is_calm() && since.elapsed() > OUTAGE {
                self.0.calm.store(true, Ordering::SeqCst);
                since = Instant::now();
            }
            let key = IdempotencyKey::new(&format!("last-{number}"))?;
            let asked = Purchase { qty: 1, key, duplicates: scenario.duplicates }
                .run(&history, &mut rng, 1);
            match tokio::time::timeout_at(since + HEALS_IN, asked).await {
                Ok((true, _)) if self.is_calm() => break,
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                Err(_) => return Ok(()),
            }
        }
        *self.0.healed_in.lock().unwrap_or_else(PoisonError::into_inner) = Some(since.elapsed());
        Ok(())
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { checked, done, way, healed_in, elapsed, fingerprint } = self;
        write!(
            f,
            "{} calls, {} acknowledged, {} unknown of which {} had happened, {} records; {} + {} kills, {} power losses, {} store failures, \
             {} partitions, {} messages held, {} clock jumps in {:.1} s; ticket made {} calls for {} purchases, {} again, opened its breaker \
             {} times, {} were delivered twice, healed in {} ms; {fingerprint}",
            checked.calls,
            checked.acknowledged,
            checked.unknown,
            checked.unknown_done,
            checked.records,
            done.kills,
            done.other_kills,
            done.power_losses,
            done.failures,
            done.partitions,
            done.holds,
            done.jumps,
            elapsed.as_secs_f64(),
            way.calls,
            way.carried,
            way.retries,
            way.opened,
            way.again,
            healed_in.as_millis(),
        )
    }
}

/// Runs a scenario and judges it.
///
/// # Errors
/// [`Failure`].
pub fn run(scenario: &Scenario) -> Result<Outcome, Failure> {
    // On a thread of its own, so that a panic of the engine is a failure of this scenario.
    let ended = std::thread::scope(|scope| scope.spawn(|| simulate(scenario)).join());
    ended.unwrap_or_else(|_| Err(Failure::Ended("a panic".into())))
}

fn simulate(scenario: &Scenario) -> Result<Outcome, Failure> {
    let history = History::default();
    let machine = Machine {
        disk: Disk::new(scenario.seed),
        clock: SimClock::default(),
        engine: std::sync::Arc::default(),
    };
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
    let (seen, again, course) = (Seen::default(), relay::Again::default(), Course::default());
    let (of_host, scenario_of_host, starts) =
        (seen.clone(), scenario.clone(), std::cell::Cell::new(0_u64));
    sim.host(ticket::HOST, move || {
        starts.set(starts.get() + 1);
        ticket::process(of_host.clone(), scenario_of_host.clone(), starts.get())
    });
    let (of_host, scenario_of_host, starts) =
        (again.clone(), scenario.clone(), std::cell::Cell::new(0_u64));
    sim.host(relay::HOST, move || {
        starts.set(starts.get() + 1);
        relay::process(of_host.clone(), scenario_of_host.clone(), starts.get())
    });
    sim.client("closer", course.clone().end(scenario.clone(), history.clone()));
    for (at, host) in (0..).zip(BUYER_HOSTS) {
        let buyers: Vec<_> = (0..scenario.buyers)
            .map(|number| Buyer::new(at * 100 + number, scenario, history.clone()))
            .collect();
        let course = course.clone();
        sim.client(host, async move {
            let running: Vec<_> =
                buyers.into_iter().map(|buyer| tokio::spawn(buyer.run())).collect();
            for one in running {
                one.await?;
            }
            course.0.hosts_done.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
    }
    let mut nemesis = Nemesis::new(scenario, machine.clone());
    let ended = |error: Box<dyn std::error::Error>| Failure::Ended(error.to_string());
    while !sim.step().map_err(ended)? {
        nemesis.step(&mut sim, &course);
    }
    let elapsed = sim.elapsed();
    let (checked, fingerprint) = judge(&history, &machine)?;
    let healed_in =
        course.0.healed_in.lock().unwrap_or_else(PoisonError::into_inner).ok_or(Failure::Stuck)?;
    let (carried, loads) = seen.sum("vacancy_call_purchases");
    let way = Way {
        calls: seen.sum("vacancy_calls_total").0,
        carried,
        loads,
        retries: seen.sum("vacancy_retries_total").0,
        opened: seen.sum("vacancy_breaker_opened_total").0,
        again: *again.lock().unwrap_or_else(PoisonError::into_inner),
    };
    Ok(Outcome { checked, done: nemesis.done, way, healed_in, elapsed, fingerprint })
}

/// What was checked, and the hash of all ledgers.
fn judge(history: &History, machine: &Machine) -> Result<(Checked, String), Failure> {
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
    let all: Vec<u8> =
        ledgers.iter().flat_map(|(_, bodies)| bodies.iter().flatten().copied()).collect();
    Ok((checked, Hash::of(&all).to_string()))
}

/// What readers saw last is a prefix of what recovery finds, and is exactly what it finds when
/// nothing was under way.
fn counts(machine: &Machine) -> Result<(), Failure> {
    let seen = machine.published();
    let opened = std::pin::pin!(SimStore::open(&machine.disk));
    let waker = std::task::Waker::noop();
    let std::task::Poll::Ready(recovered) = opened.poll(&mut std::task::Context::from_waker(waker))
    else {
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
