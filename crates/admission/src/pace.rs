//! How fast to call.

/// Time after a halving in which the rate stays: customers called before it are still arriving, and
/// measurements still contain them. As TCP halves once per window of data (RFC 6582), not per loss.
pub const COOLDOWN_MS: u64 = 10_000;

/// Requests below which a 99th percentile is a matter of chance: it does not halve the rate.
pub const SAMPLES_MIN: u64 = 100;

/// Time for which unused calls are kept. A rate that was not used for longer gives no larger burst.
/// Tick more often than this.
pub const BURST_MS: u64 = 2_000;

/// The range of a [`Pace`], in calls per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PaceSettings {
    /// The first rate.
    pub start_per_s: f64,
    /// The rate that refusals and latency never go below. Greater than 0, since at 0 nobody would
    /// be called to find out whether the servers have recovered.
    pub min_per_s: f64,
    /// The highest rate. If it is below `min_per_s`, `min_per_s` applies.
    pub max_per_s: f64,
    /// Added to the rate in each second in which all is well. The rate exceeds the capacity of the
    /// servers by this times the seconds until overload shows: at a hundredth of the capacity, by
    /// some 10 %.
    pub add_per_s: f64,
    /// The 99th percentile of latency up to which all is well.
    pub p99_target_ms: f64,
}

/// The load of the servers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Health {
    /// Requests refused for overload (status 503) since the last tick.
    pub refused: u64,
    /// The 99th percentile of latency of recent requests, over less than [`COOLDOWN_MS`].
    pub p99_ms: Option<f64>,
    /// Number of these requests.
    pub samples: u64,
}

/// The effect of a tick on the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PaceReason {
    /// Raised it.
    Increase,
    /// Halved it: requests were refused.
    HalvedByRefusals,
    /// Halved it: latency is above its target.
    HalvedByLatency,
    /// Kept it: a halving was less than [`COOLDOWN_MS`] ago.
    CoolingDown,
    /// Kept it: it is the highest allowed.
    AtMax,
    /// Kept it: calls are left over or requests are too few, so that success proves nothing.
    Idle,
}

impl PaceReason {
    /// All, for metrics that export a series each.
    pub const ALL: [Self; 6] = [
        Self::Increase,
        Self::HalvedByRefusals,
        Self::HalvedByLatency,
        Self::CoolingDown,
        Self::AtMax,
        Self::Idle,
    ];

    /// The value of a metric's label.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Increase => "increase",
            Self::HalvedByRefusals => "halved_by_refusals",
            Self::HalvedByLatency => "halved_by_latency",
            Self::CoolingDown => "cooling_down",
            Self::AtMax => "at_max",
            Self::Idle => "idle",
        }
    }
}

/// Calls per second, by additive increase and multiplicative decrease: the rule under which many
/// senders that see only "well" or "overloaded" come to use the whole of a server, each its fair
/// share (Chiu and Jain, *Analysis of the Increase and Decrease Algorithms for Congestion Avoidance
/// in Computer Networks*, 1989). So several schedulers need no agreement.
///
/// Calls accumulate as in a token bucket: [`tick`](Self::tick) adds, [`take`](Self::take) removes.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    settings: PaceSettings,
    per_s: f64,
    tokens: f64,
    since_halving_ms: u64,
}

impl Pace {
    /// Starts at `start_per_s`, with nothing to call until the first tick.
    #[must_use]
    pub fn new(settings: PaceSettings) -> Self {
        let per_s = within(&settings, settings.start_per_s);
        Self { settings, per_s, tokens: 0.0, since_halving_ms: COOLDOWN_MS }
    }

    /// Adds the calls of `elapsed_ms` and adapts the rate to `health`.
    pub fn tick(&mut self, elapsed_ms: u64, health: Health) -> PaceReason {
        let elapsed_s = elapsed_ms as f64 / 1_000.0;
        self.since_halving_ms = self.since_halving_ms.saturating_add(elapsed_ms);
        let reason = self.judge(health);
        self.per_s = match reason {
            PaceReason::HalvedByRefusals | PaceReason::HalvedByLatency => {
                self.since_halving_ms = 0;
                within(&self.settings, self.per_s / 2.0)
            }
            PaceReason::Increase => {
                within(&self.settings, self.per_s + self.settings.add_per_s * elapsed_s)
            }
            PaceReason::CoolingDown | PaceReason::AtMax | PaceReason::Idle => self.per_s,
        };
        self.tokens = (self.tokens + self.per_s * elapsed_s).min(self.burst());
        reason
    }

    fn judge(&self, health: Health) -> PaceReason {
        let is_slow = health.p99_ms.is_some_and(|p99| p99 > self.settings.p99_target_ms);
        let is_known = health.samples >= SAMPLES_MIN;
        match () {
            () if self.since_halving_ms < COOLDOWN_MS => PaceReason::CoolingDown,
            () if health.refused > 0 => PaceReason::HalvedByRefusals,
            () if is_slow && is_known => PaceReason::HalvedByLatency,
            () if is_slow || health.samples == 0 || self.is_left_over() => PaceReason::Idle,
            () if self.per_s >= self.settings.max_per_s => PaceReason::AtMax,
            () => PaceReason::Increase,
        }
    }

    /// Half of the burst was not taken: something else limits the calls. A rate that is not used
    /// does not grow, as TCP's window does not (RFC 7661).
    fn is_left_over(&self) -> bool {
        self.allowance() as f64 >= self.burst() / 2.0
    }

    /// The most calls that accumulate; at least 1, or low rates would never call.
    fn burst(&self) -> f64 {
        (self.per_s * BURST_MS as f64 / 1_000.0).max(1.0)
    }

    /// Calls per second.
    #[must_use]
    pub fn per_s(&self) -> f64 {
        self.per_s
    }

    /// Calls allowed now.
    #[must_use]
    pub fn allowance(&self) -> u64 {
        self.tokens as u64
    }

    /// Takes `calls` from the allowance, at most all of it; the number taken.
    pub fn take(&mut self, calls: u64) -> u64 {
        let taken = calls.min(self.allowance());
        self.tokens -= taken as f64;
        taken
    }
}

/// `per_s` within the range of `settings`; the lowest if it is no number.
fn within(settings: &PaceSettings, per_s: f64) -> f64 {
    per_s.max(settings.min_per_s).min(settings.max_per_s.max(settings.min_per_s))
}
