//! Injects faults, step by step, as the seed decides.

use std::time::Duration;

use rand::{RngExt, SeedableRng, rngs::StdRng};
use turmoil::Sim;

use crate::{
    disk::DiskFault,
    progress::Progress,
    relay,
    scenario::{BUYER_HOSTS, Scenario},
    ticket,
    vacancy::{HOST, Machine},
};

/// Pairs of hosts between which the network can be cut.
const LINKS: [(&str, &str); 6] = [
    (BUYER_HOSTS[0], HOST),
    (BUYER_HOSTS[1], HOST),
    (BUYER_HOSTS[0], ticket::HOST),
    (BUYER_HOSTS[1], ticket::HOST),
    (ticket::HOST, relay::HOST),
    (relay::HOST, HOST),
];

/// Counts of the injected faults.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultCounts {
    /// Processes killed; the page cache of the machine survives.
    pub kills: u32,
    /// Kills of ticket and of the relay.
    pub other_kills: u32,
    /// Power lost.
    pub power_losses: u32,
    /// Ends of the process by itself, after its store failed.
    pub failures: u32,
    /// Disk faults set up.
    pub disk_faults: u32,
    /// Partitions.
    pub partitions: u32,
    /// Times at which messages were held back.
    pub holds: u32,
    /// Times at which messages were lost.
    pub losses: u32,
    /// Jumps of the clock.
    pub jumps: u32,
}

/// Injects the faults.
pub struct Nemesis {
    rng: StdRng,
    machine: Machine,
    scenario: Scenario,
    next_at: Duration,
    /// Hosts that are down, and when they come back.
    down: Vec<(&'static str, Duration)>,
    heal_at: Option<Duration>,
    cut: Option<((&'static str, &'static str), bool)>,
    /// The faults so far.
    pub counts: FaultCounts,
}

impl Nemesis {
    /// The faults of the scenario's seed.
    #[must_use]
    pub fn new(scenario: &Scenario, machine: Machine) -> Self {
        Self {
            rng: StdRng::seed_from_u64(scenario.seed ^ 0xbad),
            machine,
            scenario: scenario.clone(),
            next_at: Duration::from_millis(50),
            down: Vec::new(),
            heal_at: None,
            cut: None,
            counts: FaultCounts::default(),
        }
    }

    /// Call it after every step of the simulation.
    pub fn step(&mut self, sim: &mut Sim<'_>, progress: &Progress) {
        let now = sim.elapsed();
        if !self.is_down(HOST) && !sim.is_host_running(HOST) {
            // It ended by itself. The contents of the disk stay; the disk works again from the
            // next start on.
            self.counts.failures += 1;
            if self.rng.random_bool(0.3) {
                self.machine.disk.lose_power();
            }
            self.restart_later(HOST, now);
        }
        // When the buyers are done, the faults end, and ticket must sell again soon.
        let calm = progress.is_calm();
        if progress.is_outage() && !calm {
            return self.last_outage(sim);
        }
        for (host, _) in self.down.extract_if(.., |(_, at)| *at <= now || calm) {
            if host == HOST {
                self.machine.disk.mend();
            }
            sim.bounce(host);
        }
        if self.heal_at.is_some_and(|at| at <= now || calm) {
            self.heal(sim);
        }
        if calm {
            self.machine.disk.mend();
        } else if self.next_at <= now {
            let pause_ms = self.rng.random_range(1..self.scenario.calm_max_ms);
            self.next_at = now + Duration::from_millis(pause_ms);
            self.act(sim, now);
        }
    }

    /// All hosts run, and no message reaches vacancy.
    fn last_outage(&mut self, sim: &mut Sim<'_>) {
        let cut = Some(((relay::HOST, HOST), false));
        if self.heal_at == Some(Duration::MAX) {
            return;
        }
        self.heal(sim);
        self.machine.disk.mend();
        for (host, _) in std::mem::take(&mut self.down) {
            sim.bounce(host);
        }
        sim.partition(relay::HOST, HOST);
        (self.cut, self.heal_at) = (cut, Some(Duration::MAX));
    }

    fn is_down(&self, host: &str) -> bool {
        self.down.iter().any(|(down, _)| *down == host)
    }

    fn restart_later(&mut self, host: &'static str, now: Duration) {
        let down_ms = self.rng.random_range(5..400);
        self.down.push((host, now + Duration::from_millis(down_ms)));
    }

    fn act(&mut self, sim: &mut Sim<'_>, now: Duration) {
        match self.rng.random_range(0..100) {
            0..26 if !self.is_down(HOST) => {
                sim.crash(HOST);
                if self.rng.random_bool(0.6) {
                    self.machine.disk.lose_power();
                    self.counts.power_losses += 1;
                } else {
                    self.counts.kills += 1;
                }
                self.restart_later(HOST, now);
            }
            26..36 => {
                let host = if self.rng.random_bool(0.7) { ticket::HOST } else { relay::HOST };
                if !self.is_down(host) {
                    sim.crash(host);
                    self.counts.other_kills += 1;
                    self.restart_later(host, now);
                }
            }
            36..52 if !self.is_down(HOST) => {
                let fault = [DiskFault::TornWrite, DiskFault::FailedWrite, DiskFault::FailedSync]
                    [self.rng.random_range(0..3)];
                self.machine.disk.break_next(fault, self.rng.random_bool(0.4));
                self.counts.disk_faults += 1;
            }
            52..87 if self.heal_at.is_none() => {
                let (one, other) = LINKS[self.rng.random_range(0..LINKS.len())];
                let mut held = false;
                match self.rng.random_range(0..4) {
                    0 => sim.partition(one, other),
                    1 if self.rng.random_bool(0.5) => sim.partition_oneway(one, other),
                    1 => sim.partition_oneway(other, one),
                    2 => {
                        sim.hold(one, other);
                        held = true;
                    }
                    _ => {
                        sim.set_link_fail_rate(one, other, 0.2);
                        self.counts.losses += 1;
                    }
                }
                self.counts.partitions += u32::from(!held);
                self.counts.holds += u32::from(held);
                self.cut = Some(((one, other), held));
                self.heal_at = Some(now + Duration::from_millis(self.rng.random_range(20..1_500)));
            }
            87..100 => {
                self.machine.clock.jump(self.rng.random_range(-20_000..20_000));
                self.counts.jumps += 1;
            }
            _ => {}
        }
    }

    /// Ends what cuts the network.
    fn heal(&mut self, sim: &mut Sim<'_>) {
        self.heal_at = None;
        let Some(((one, other), held)) = self.cut.take() else { return };
        if held {
            sim.release(one, other);
        } else {
            sim.set_link_fail_rate(one, other, 0.0);
            sim.repair(one, other);
        }
    }
}
