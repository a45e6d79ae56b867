//! The usual process metrics, read from `/proc`. A value that cannot be read keeps its last state.
//!
//! The collector of the `prometheus` crate counts CPU time and the start time in whole seconds,
//! which is too coarse for rates over one scrape interval.

use std::fs;

use prometheus::{
    Counter, Gauge, IntGauge,
    core::{Collector, Desc},
    proto::MetricFamily,
};

/// Clock ticks per second in `/proc`: 100 for user space on every supported Linux architecture.
const TICKS_PER_S: f64 = 100.0;

pub(crate) struct ProcessCollector {
    cpu_s: Counter,
    resident_bytes: IntGauge,
    open_fds: IntGauge,
    max_fds: IntGauge,
    start_time_s: Gauge,
}

impl ProcessCollector {
    pub fn new() -> Result<Self, prometheus::Error> {
        let start_time_s = Gauge::new(
            "process_start_time_seconds",
            "Start of the process, seconds since the epoch",
        )?;
        if let Some(seconds) = read_start_time_s() {
            start_time_s.set(seconds);
        }
        Ok(Self {
            cpu_s: Counter::new("process_cpu_seconds_total", "User and system CPU time")?,
            resident_bytes: IntGauge::new("process_resident_memory_bytes", "Resident memory")?,
            open_fds: IntGauge::new("process_open_fds", "Open file descriptors")?,
            max_fds: IntGauge::new("process_max_fds", "Limit of open file descriptors")?,
            start_time_s,
        })
    }

    fn update(&self) {
        if let Some(total_s) = read_cpu_s() {
            self.cpu_s.inc_by((total_s - self.cpu_s.get()).max(0.0));
        }
        if let Some(bytes) = read_resident_bytes() {
            self.resident_bytes.set(bytes);
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            self.open_fds.set(i64::try_from(entries.count()).unwrap_or(i64::MAX));
        }
        if let Some(limit) = read_max_fds() {
            self.max_fds.set(limit);
        }
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        let mut desc = self.cpu_s.desc();
        desc.extend(self.resident_bytes.desc());
        desc.extend(self.open_fds.desc());
        desc.extend(self.max_fds.desc());
        desc.extend(self.start_time_s.desc());
        desc
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.update();
        let mut families = self.cpu_s.collect();
        families.extend(self.resident_bytes.collect());
        families.extend(self.open_fds.collect());
        families.extend(self.max_fds.collect());
        families.extend(self.start_time_s.collect());
        families
    }
}

/// Field `number` (from 1, as in proc(5)) of `/proc/self/stat`, in ticks.
fn stat_field(number: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the command in parentheses and may itself contain spaces and parentheses.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(number - 3)?.parse().ok()
}

fn read_cpu_s() -> Option<f64> {
    Some((stat_field(14)? + stat_field(15)?) / TICKS_PER_S)
}

fn read_start_time_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let boot_s: f64 =
        stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot_s + stat_field(22)? / TICKS_PER_S)
}

fn read_resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kib: i64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    Some(kib * 1_024)
}

fn read_max_fds() -> Option<i64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}
