//! The frame of a service's program: runtime, logs, traces, exit codes.

use std::{error::Error, fmt::Display, future::Future, process::ExitCode};

use config::ConfigError;
use futures::future::{BoxFuture, FutureExt};
use telemetry::{TelemetrySettings, init_logs, init_traces};
use tokio::{runtime, task};

use crate::shutdown;

/// Exit code for a wrong setting.
const MISCONFIGURED: u8 = 2;

/// Runs `work` on a new runtime. `name` is the program's, for the error when the runtime fails to
/// start.
pub fn run(name: &str, work: impl Future<Output = ExitCode>) -> ExitCode {
    match runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => fail(name, &error),
    }
}

/// Sets up logs, traces and signals, then runs `serve` with a future that resolves at the shutdown
/// signal. `name` appears in traces and before an error.
pub async fn serve<F, E>(
    (name, version): (&'static str, &'static str),
    settings: &TelemetrySettings,
    serve: impl FnOnce(BoxFuture<'static, ()>) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), E>>,
    E: Display,
{
    let set_up = || -> Result<_, Box<dyn Error>> {
        init_logs(&settings.logs)?;
        let traces = init_traces(&settings.traces, name, version)?;
        Ok((traces, shutdown::signal()?))
    };
    let (traces, shutdown) = match set_up() {
        Ok(parts) => parts,
        Err(error) => return fail(name, &error),
    };
    let result = serve(shutdown.boxed()).await;
    // The flush blocks until the collector responds.
    let _ = task::spawn_blocking(|| traces.flush()).await;
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(name, &error),
    }
}

/// Prints the error of a wrong setting, one line; exit code 2.
pub fn refuse(error: &ConfigError) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(MISCONFIGURED)
}

/// Prints why the program `name` ends; exit code 1.
pub fn fail(name: &str, error: &impl Display) -> ExitCode {
    eprintln!("{name}: {error}");
    ExitCode::FAILURE
}
