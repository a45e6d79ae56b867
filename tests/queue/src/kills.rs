//! Kills with SIGKILL, at random moments of the join, the draw and the admission.

use std::time::Duration;

use rand::{RngExt, rngs::StdRng};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until},
};

use crate::{error::Error, system::System};

/// The time around the opening that belongs to the draw.
const DRAW: Duration = Duration::from_millis(1_500);

/// When to kill which process.
#[derive(Debug, Clone, PartialEq)]
pub struct Kills(Vec<(Duration, usize)>);

/// How many kills there were of each process.
#[derive(Debug, Default, Clone)]
pub struct Killed {
    pub of: Vec<(&'static str, u64)>,
    /// During the join, the draw and the admission.
    pub phases: [u64; 3],
}

impl Killed {
    pub fn all(&self) -> u64 {
        self.phases.iter().sum()
    }
}

/// The part of the whole that the kill at `at` belongs to.
fn phase(at: Duration, pre: Duration) -> usize {
    match at {
        at if at < pre => 0,
        at if at < pre + DRAW => 1,
        _ => 2,
    }
}

impl Kills {
    /// `count` kills: about a third during the join of `pre`, some at the draw, the others while
    /// places are called.
    pub fn plan(count: usize, pre: Duration, processes: usize, random: &mut StdRng) -> Self {
        let (pre, draw) = (pre.as_secs_f64(), DRAW.as_secs_f64());
        let admission = (count as f64).clamp(6.0, 14.0);
        let mut kills: Vec<_> = (0..count)
            .map(|number| {
                let at = match number % 7 {
                    0 | 4 => random.random_range(0.2..pre),
                    1 => random.random_range(pre..pre + draw),
                    _ => random.random_range(pre + draw..pre + draw + admission),
                };
                (Duration::from_secs_f64(at), number % processes)
            })
            .collect();
        kills.sort_unstable();
        Self(kills)
    }

    /// Kills, and starts again at once. `opens_at`: when people begin to join.
    pub async fn run(
        &self,
        system: &Mutex<System>,
        opens_at: Instant,
        pre: Duration,
    ) -> Result<Killed, Error> {
        let mut killed = Killed::default();
        for (at, victim) in &self.0 {
            sleep_until(opens_at + *at).await;
            let mut system = system.lock().await;
            let process = &mut system.processes[*victim];
            let was_alive = process.kill().await?;
            process.start()?;
            if was_alive {
                killed.phases[phase(*at, pre)] += 1;
                match killed.of.iter_mut().find(|(name, _)| *name == process.name) {
                    Some((_, count)) => *count += 1,
                    None => killed.of.push((process.name, 1)),
                }
            }
        }
        Ok(killed)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn kills_hit_every_part() {
        for count in [4, 20] {
            let pre = Duration::from_secs(5);
            let kills = Kills::plan(count, pre, 2, &mut StdRng::seed_from_u64(3));
            let mut phases = [0; 3];
            kills.0.iter().for_each(|(at, _)| phases[phase(*at, pre)] += 1);
            assert_eq!(phases.iter().sum::<usize>(), count);
            assert!(phases.iter().all(|count| *count > 0), "{phases:?}");
        }
    }
}
