//! The frame of a service's program: a runtime, logs, traces, and an end by signal.

use std::{error::Error, fmt::Display, future::Future, process::ExitCode};

use config::ConfigError;
use futures::future::{BoxFuture, FutureExt};
use telemetry::{init_logs, init_traces};
use tokio::{runtime, task};

use crate::{settings::ServingSettings, shutdown};

/// Exit code of a program whose settings are wrong.
const MISCONFIGURED: u8 = 2;

/// Runs `work` on a runtime of its own; `name` is the program's, for when that cannot be made.
pub fn run(name: &str, work: impl Future<Output = ExitCode>) -> ExitCode {
    match runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => fail(name, &error),
    }
}

/// Serves until a signal ends it: `serve` is given what resolves then. `name` stands in traces and
/// before an error.
pub async fn serve<F, E>(
    (name, version): (&'static str, &'static str),
    settings: &ServingSettings,
    serve: impl FnOnce(BoxFuture<'static, ()>) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let begun = || -> Result<_, Box<dyn Error>> {
        init_logs(settings.log_level, settings.json_logs, &settings.service_name)?;
        let traces = init_traces(&settings.traces, name, version)?;
        Ok((traces, shutdown::signal()?))
    };
    let (traces, shutdown) = match begun() {
        Ok(begun) => begun,
        Err(error) => return fail(name, &error),
    };
    let ended = serve(shutdown.boxed()).await;
    // It waits for the collector, on a thread that may wait.
    let _ = task::spawn_blocking(|| traces.flush()).await;
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(name, &error),
    }
}

/// A setting is wrong: one line, exit code 2.
pub fn refuse(error: &ConfigError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(MISCONFIGURED)
}

/// Tells why the program `name` ends; exit code 1.
pub fn fail(name: &str, error: &impl Display) -> ExitCode {
    eprintln!("{name}: {error}");
    ExitCode::FAILURE
}
