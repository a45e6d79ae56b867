//! The frame of a service's program: limits, runtime, logs, traces, exit codes.

use std::{
    error::Error, fmt::Display, future::Future, io, panic, panic::AssertUnwindSafe,
    process::ExitCode, time::Duration,
};

use config::ConfigError;
use futures::future::{BoxFuture, FutureExt};
use telemetry::{
    TelemetrySettings,
    console::{print_message, print_result},
    init_logs, init_traces,
};
use tokio::{
    runtime::{Builder, Runtime},
    task,
};

use crate::{descriptors, shutdown};

/// Exit code for a wrong setting.
const MISCONFIGURED: u8 = 2;

/// Time for the blocking threads to end with the program.
const THREADS_END_MAX: Duration = Duration::from_secs(5);

/// Why a service ended.
pub trait Failure: Display {
    /// Whether a setting or a limit of the process is wrong: another start would fail as well. The
    /// text then begins with its name.
    fn is_misconfiguration(&self) -> bool;
}

/// Runs `work` on a new runtime. `name` is the program's, for the error when the runtime fails to
/// start.
pub fn run(name: &str, work: impl Future<Output = ExitCode>) -> ExitCode {
    match runtime() {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            // A thread may hang in a look-up of a name.
            runtime.shutdown_timeout(THREADS_END_MAX);
            code
        }
        Err(error) => fail(name, &error),
    }
}

fn runtime() -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.enable_all().max_blocking_threads(descriptors::blocking_threads());
    // The builder panics when it cannot start a thread.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let built = panic::catch_unwind(AssertUnwindSafe(|| builder.build()));
    panic::set_hook(hook);
    built.unwrap_or_else(|_| {
        Err(io::Error::other("cannot start threads: raise the limit of processes (ulimit -u)"))
    })
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
    E: Failure,
{
    let set_up = || -> Result<_, Box<dyn Error>> {
        let logs = init_logs(&settings.logs)?;
        let traces = init_traces(&settings.traces, name, version)?;
        Ok((logs, traces, shutdown::signal()?))
    };
    let (logs, traces, shutdown) = match set_up() {
        Ok(parts) => parts,
        Err(error) => return fail(name, &error),
    };
    let result = serve(shutdown.boxed()).await;
    // The flush blocks until the collector responds.
    let _ = task::spawn_blocking(|| traces.flush()).await;
    drop(logs);
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_misconfiguration() => {
            print_message(&error);
            ExitCode::from(MISCONFIGURED)
        }
        Err(error) => fail(name, &error),
    }
}

/// Prints the error of a wrong setting, one line; exit code 2.
pub fn refuse(error: &ConfigError) -> ExitCode {
    print_message(error);
    ExitCode::from(MISCONFIGURED)
}

/// Prints why the program `name` ends; exit code 1.
pub fn fail(name: &str, error: &impl Display) -> ExitCode {
    print_message(&format_args!("{name}: {error}"));
    ExitCode::FAILURE
}

/// Prints the result of a command of the program `name`. Exit code 1 when standard output is closed
/// or its disk is full.
pub fn print(name: &str, result: &str) -> ExitCode {
    match print_result(result) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(name, &format_args!("cannot write to standard output: {error}")),
    }
}
