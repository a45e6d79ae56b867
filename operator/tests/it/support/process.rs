use std::{
    io::Write,
    process::{Child, ChildStdin, Command, Stdio},
};

/// A process that is killed when this is dropped, and when the test binary dies in whatever way:
/// its guard reads from a pipe that only this process holds open.
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

    /// kill -9, and waits until the process is gone.
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
