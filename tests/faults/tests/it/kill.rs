//! kill -9 at every system call that writes: of the first start, of commits, of a recovery.

use std::{collections::BTreeMap, path::Path, time::Duration};

use fault_tests::{Traced, Tracer, require};
use system_tests::Process;

use crate::support::{Buyers, every};

const WRITES: &str = "write,pwrite64,writev,sendto,fdatasync,fsync,rename,renameat,renameat2,ftruncate,fallocate,mkdir,unlink,unlinkat,rmdir";
/// Moments of each call that are tried, unless `EVERY` is set.
const MOMENTS: usize = 5;

/// The work that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    FirstStart,
    Commits,
    Recovery,
}

impl Work {
    /// Does the work under a strace that injects `inject`. Returns true when it was killed.
    async fn run(self, buyers: &Buyers, data: &Path, inject: &str) -> bool {
        let trace = data.with_file_name("trace");
        let (traces, stock) = (format!("trace={WRITES}"), [("INITIAL_STOCK", "1000000")]);
        let strace = ["-e", &traces, "-e", inject];
        let strace = if inject.is_empty() { &strace[..2] } else { &strace[..] };
        match self {
            Self::Commits => {
                let vacancy = Process::vacancy(data, &stock).await;
                let tracer = Tracer::attach(vacancy.pid(), &trace, strace).await;
                buyers.rush(&vacancy.client(), "/api/v1/reserve", 4, 10).await;
                let killed = !buyers.buy(&vacancy.client(), "/api/v1/reserve").await;
                vacancy.kill().await;
                tracer.ended().await;
                killed
            }
            Self::FirstStart | Self::Recovery => {
                if self == Self::Recovery {
                    // Killed in the middle of its work, so that the next start has something to
                    // recover.
                    let vacancy = Process::vacancy(data, &stock).await;
                    buyers.rush(&vacancy.client(), "/api/v1/reserve", 4, 20).await;
                    vacancy.kill().await;
                }
                Traced::start(data, &trace, strace).await.kill().await
            }
        }
    }
}

/// The number of each system call in its busiest thread.
fn count(trace: &Path) -> BTreeMap<String, usize> {
    let mut of_thread: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in std::fs::read_to_string(trace).unwrap().lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        if let Some((call, _)) = rest
            .trim_start()
            .split_once('(')
            .filter(|(call, _)| WRITES.split(',').any(|known| known == *call))
        {
            *of_thread.entry((thread.to_owned(), call.to_owned())).or_default() += 1;
        }
    }
    let mut most = BTreeMap::new();
    for ((_, call), times) in of_thread {
        let known = most.entry(call).or_insert(0);
        *known = times.max(*known);
    }
    most
}

/// Kills `work` at its system calls, which strace counts per thread and call.
async fn kill_all_along(work: Work) {
    require("strace", "strace");
    let home = tempfile::tempdir().unwrap();
    assert!(
        !work.run(&Buyers::default(), &home.path().join("data"), "").await,
        "{work:?} does not work without faults"
    );
    let calls = count(&home.path().join("trace"));
    let (mut kills, mut slowest, mut acknowledged, mut unknown, mut happened) =
        (0, Duration::ZERO, 0, 0, 0);
    for (call, times) in &calls {
        for at in (1..=*times).step_by(every(times.div_ceil(MOMENTS))) {
            let home = tempfile::tempdir().unwrap();
            let (data, buyers) = (home.path().join("data"), Buyers::default());
            kills += usize::from(
                work.run(&buyers, &data, &format!("inject={call}:signal=SIGKILL:when={at}")).await,
            );
            let (checked, started_in) = buyers.check_data_dir(&data).await;
            slowest = slowest.max(started_in);
            (acknowledged, unknown) =
                (acknowledged + checked.acknowledged, unknown + checked.unknown);
            happened += checked.unknown_done;
        }
    }
    println!(
        "{work:?}: {kills} kills at {}: {acknowledged} acknowledged, all found; {unknown} without an answer, of which {happened} had happened; slowest start after it {} ms",
        calls
            .iter()
            .map(|(call, times)| format!("{call} (of {times})"))
            .collect::<Vec<_>>()
            .join(", "),
        slowest.as_millis()
    );
    assert!(kills >= 5, "too few kills to show anything");
    assert!(
        work != Work::Commits || (acknowledged > 0 && unknown > 0 && happened > 0),
        "no kill hit a commit"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_during_first_start_loses_nothing() {
    kill_all_along(Work::FirstStart).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_during_commits_loses_nothing() {
    kill_all_along(Work::Commits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_during_recovery_loses_nothing() {
    kill_all_along(Work::Recovery).await;
}
