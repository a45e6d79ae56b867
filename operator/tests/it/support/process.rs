//! Child processes that never outlive the tests.

use std::{
    io::Write,
    process::{Child, ChildStdin, Command, Stdio},
};

/// A process that is killed when this is dropped, and when the test binary ends in any way: its
/// guard reads from a pipe that only the test binary holds open.
pub struct Process {
    guard: Child,
    pipe: Option<ChildStdin>,
}

impl Process {
    pub fn start(command: &[String], log: &std::path::Path) -> Self {
        let log =
            std::fs::File::options().create(true).append(true).open(log).expect("the log opens");
        let mut guard = Command::new("sh")
            .args(["-c", r#""$@" </dev/null & pid=$!; read -r _; kill -9 "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; exit 0"#, "guard"])
            .args(command)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("the log is shared"))
            .stderr(log)
            .spawn()
            .expect("sh starts");
        let pipe = guard.stdin.take();
        Self { guard, pipe }
    }

    /// Sends SIGKILL and waits until the process has ended.
    pub fn kill(&mut self) {
        if let Some(mut pipe) = self.pipe.take() {
            let _ = pipe.write_all(b"\n");
        }
        let _ = self.guard.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
