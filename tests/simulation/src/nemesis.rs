//! What goes wrong, and when: decided by the seed, step by step.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use turmoil::Sim;

use crate::disk::DiskFault;
use crate::vacancy::{HOST, Machine};
use crate::world::{BUYER_HOSTS, Scenario};

/// How often each thing was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Processes killed, with the machine's memory surviving.
    pub kills: u32,
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

/// The one who does it.
pub struct Nemesis {
    rng: StdRng,
    machine: Machine,
    scenario: Scenario,
    next_at: Duration,
    restart_at: Option<Duration>,
    heal_at: Option<Duration>,
    cut: Option<(&'static str, bool)>,
    /// What was done.
    pub done: Done,
}

impl Nemesis {
    /// Does what follows from the scenario's seed.
    #[must_use]
    pub fn new(scenario: &Scenario, machine: Machine) -> Self {
        Self {
            rng: StdRng::seed_from_u64(scenario.seed ^ 0xbad),
            machine,
            scenario: scenario.clone(),
            next_at: Duration::from_millis(50),
            restart_at: None,
            heal_at: None,
            cut: None,
            done: Done::default(),
        }
    }

    /// To be called after every step of the simulation.
    pub fn step(&mut self, sim: &mut Sim<'_>) {
        let now = sim.elapsed();
        if self.restart_at.is_none() && !sim.is_host_running(HOST) {
            // It ended by itself. The disk is as it is; whoever starts it again does so on a disk that works.
            self.done.failures += 1;
            if self.rng.random_bool(0.3) {
                self.machine.disk.lose_power();
            }
            self.restart_later(now);
        }
        if self.restart_at.is_some_and(|at| at <= now) {
            self.restart_at = None;
            self.machine.disk.mend();
            sim.bounce(HOST);
        }
        if self.heal_at.is_some_and(|at| at <= now) {
            self.heal(sim);
        }
        if self.next_at <= now {
            let pause_ms = self.rng.random_range(1..self.scenario.calm_max_ms);
            self.next_at = now + Duration::from_millis(pause_ms);
            self.act(sim, now);
        }
    }

    fn restart_later(&mut self, now: Duration) {
        let down_ms = self.rng.random_range(5..400);
        self.restart_at = Some(now + Duration::from_millis(down_ms));
    }

    fn act(&mut self, sim: &mut Sim<'_>, now: Duration) {
        match self.rng.random_range(0..100) {
            0..35 if self.restart_at.is_none() => {
                sim.crash(HOST);
                if self.rng.random_bool(0.6) {
                    self.machine.disk.lose_power();
                    self.done.power_losses += 1;
                } else {
                    self.done.kills += 1;
                }
                self.restart_later(now);
            }
            35..55 if self.restart_at.is_none() => {
                let fault = [DiskFault::TornWrite, DiskFault::FailedWrite, DiskFault::FailedSync][self.rng.random_range(0..3)];
                self.machine.disk.break_next(fault, self.rng.random_bool(0.4));
                self.done.disk_faults += 1;
            }
            55..85 if self.heal_at.is_none() => {
                let host = BUYER_HOSTS[self.rng.random_range(0..BUYER_HOSTS.len())];
                let mut held = false;
                match self.rng.random_range(0..4) {
                    0 => sim.partition(host, HOST),
                    1 if self.rng.random_bool(0.5) => sim.partition_oneway(host, HOST),
                    1 => sim.partition_oneway(HOST, host),
                    2 => {
                        sim.hold(host, HOST);
                        held = true;
                    }
                    _ => {
                        sim.set_link_fail_rate(host, HOST, 0.2);
                        self.done.losses += 1;
                    }
                }
                self.done.partitions += u32::from(!held);
                self.done.holds += u32::from(held);
                self.cut = Some((host, held));
                self.heal_at = Some(now + Duration::from_millis(self.rng.random_range(20..1_500)));
            }
            85..100 => {
                self.machine.clock.jump(self.rng.random_range(-20_000..20_000));
                self.done.jumps += 1;
            }
            _ => {}
        }
    }

    /// Ends what cuts the network.
    pub fn heal(&mut self, sim: &mut Sim<'_>) {
        self.heal_at = None;
        let Some((host, held)) = self.cut.take() else { return };
        if held {
            sim.release(host, HOST);
        } else {
            sim.set_link_fail_rate(host, HOST, 0.0);
            sim.repair(host, HOST);
        }
    }
}
