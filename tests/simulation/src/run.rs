//! A simulation from its seed to its verdict.

use std::time::Duration;

use checker::{Checked, History, check};
use inventory::{EventName, Hash};
use inventory_store::{EventView, OwnedStore};

use crate::{
    buyer::Buyer,
    clock::SimClock,
    crowd::{Crowd, CrowdStats},
    disk::Disk,
    nemesis::Nemesis,
    outcome::{CallStats, Failure, Outcome},
    progress::{Progress, TICK},
    relay,
    room::{self, Keys},
    scenario::{BUYER_HOSTS, Scenario},
    store::{SimStore, records},
    ticket::{self, Registries},
    vacancy::{self, Machine},
    visitor::Visitor,
};

/// The longest simulated time.
const LONGEST: Duration = Duration::from_secs(300);

/// Runs a scenario and checks its history.
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
    let keys = Keys::of(scenario).map_err(|error| Failure::Ended(error.to_string()))?;
    let crowd = Crowd::default();
    let mut sim = turmoil::Builder::new()
        .rng_seed(scenario.seed)
        .tick_duration(TICK)
        .simulation_duration(LONGEST)
        .min_message_latency(Duration::from_micros(200))
        .max_message_latency(Duration::from_millis(12))
        .tcp_capacity(4_096)
        .build();
    let (of_host, keys_of_host, scenario_of_host) =
        (machine.clone(), keys.clone(), scenario.clone());
    let starts = std::cell::Cell::new(0_u64);
    sim.host(vacancy::HOST, move || {
        starts.set(starts.get() + 1);
        let (machine, keys) = (of_host.clone(), keys_of_host.clone());
        vacancy::process(machine, keys, scenario_of_host.clone(), starts.get())
    });
    let (registries, duplicated, progress) =
        (Registries::default(), relay::Duplicated::default(), Progress::default());
    let (of_host, scenario_of_host, starts) =
        (registries.clone(), scenario.clone(), std::cell::Cell::new(0_u64));
    let keys_of_host = keys.clone();
    sim.host(ticket::HOST, move || {
        starts.set(starts.get() + 1);
        let (registries, keys) = (of_host.clone(), keys_of_host.clone());
        ticket::process(registries, keys, scenario_of_host.clone(), starts.get())
    });
    let (of_host, scenario_of_host, starts) =
        (duplicated.clone(), scenario.clone(), std::cell::Cell::new(0_u64));
    sim.host(relay::HOST, move || {
        starts.set(starts.get() + 1);
        relay::process(of_host.clone(), scenario_of_host.clone(), starts.get())
    });
    sim.client("closer", progress.clone().finish(scenario.clone(), history.clone()));
    for (at, host) in (0..).zip(BUYER_HOSTS) {
        let buyers: Vec<_> = (0..scenario.buyers)
            .map(|number| Buyer::new(at * 100 + number, scenario, history.clone()))
            .collect();
        let visitors: Vec<_> = (0..scenario.visitors)
            .map(|number| {
                let (crowd, keys) = (crowd.clone(), keys.set.clone());
                Visitor::new(at * 100 + number, scenario, history.clone(), crowd, keys)
            })
            .collect();
        let progress = progress.clone();
        sim.client(host, async move {
            let mut running: Vec<_> =
                buyers.into_iter().map(|buyer| tokio::spawn(buyer.run())).collect();
            running.extend(visitors.into_iter().map(|visitor| tokio::spawn(visitor.run())));
            for one in running {
                one.await?;
            }
            progress.host_done();
            Ok(())
        });
    }
    let mut nemesis = Nemesis::new(scenario, machine.clone());
    let ended = |error: Box<dyn std::error::Error>| Failure::Ended(error.to_string());
    while !sim.step().map_err(ended)? {
        nemesis.step(&mut sim, &progress);
    }
    let elapsed = sim.elapsed();
    let (checked, crowd, fingerprint) = judge(&history, &crowd, &machine)?;
    let healed_in = progress.healed_in().ok_or(Failure::Stuck)?;
    let (carried, batches) = registries.sum("vacancy_call_purchases");
    let calls = CallStats {
        calls: registries.sum("vacancy_calls_total").0,
        carried,
        batches,
        retries: registries.sum("vacancy_retries_total").0,
        opened: registries.sum("vacancy_breaker_opened_total").0,
        duplicated: duplicated.count(),
    };
    Ok(Outcome { checked, crowd, faults: nemesis.counts, calls, healed_in, elapsed, fingerprint })
}

/// Checks the history; returns what was checked, and the hash of all ledgers.
fn judge(
    history: &History,
    crowd: &Crowd,
    machine: &Machine,
) -> Result<(Checked, CrowdStats, String), Failure> {
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
    let room = ledgers.iter().find(|(event, _)| event.as_str() == room::EVENT);
    let bodies = room.map(|(_, bodies)| bodies.as_slice()).unwrap_or_default();
    let crowd = crowd.check(bodies).map_err(Failure::Crowd)?;
    let all: Vec<u8> =
        ledgers.iter().flat_map(|(_, bodies)| bodies.iter().flatten().copied()).collect();
    Ok((checked, crowd, Hash::of(&all).to_string()))
}

/// Compares the last published views with recovery from the disk: a view is older, or equal.
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
