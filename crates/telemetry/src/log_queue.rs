//! The queue between the code that logs and the thread that writes to standard output.
//!
//! Logging never waits: a line that does not fit into the queue is dropped and counted. So a full
//! disk, a closed pipe or a pipe that is not read costs log lines and nothing else.

use std::{
    io,
    sync::{Arc, LazyLock},
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use prometheus::IntCounter;
use tracing_subscriber::fmt::MakeWriter;

use crate::console::write_stdout;

/// Time for the last lines at the end of the process.
const FLUSH_MAX: Duration = Duration::from_secs(1);

/// The queue keeps this much memory when it is empty, bytes.
const IDLE_BYTES: usize = 64 << 10;

static DROPPED: LazyLock<IntCounter> = LazyLock::new(|| {
    IntCounter::new(
        "log_lines_dropped_total",
        "Log lines dropped because standard output failed or was not read",
    )
    .expect("a valid name")
});

/// Counts the log lines of this process that were dropped.
#[must_use]
pub fn dropped_log_lines() -> &'static IntCounter {
    &DROPPED
}

/// The writer of log lines. Clones share the queue.
#[derive(Clone)]
pub struct LogQueue(Arc<Shared>);

/// Writes the queued lines when dropped, for at most one second.
#[must_use]
pub struct LogGuard(Arc<Shared>);

struct Shared {
    max_bytes: usize,
    state: Mutex<State>,
    /// Notified when the queue is no longer empty, and when it is closed.
    filled: Condvar,
    /// Notified when everything is written.
    written: Condvar,
    dropped: IntCounter,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// The thread writes lines that it took from the queue.
    writing: bool,
    closed: bool,
}

/// Writes lines; the result of [`write_stdout`].
type Output = Box<dyn FnMut(&[u8]) -> Result<(), (usize, io::Error)> + Send>;

impl LogQueue {
    /// A queue of at most `max_bytes` in front of standard output.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn stdout(max_bytes: usize) -> io::Result<(Self, LogGuard)> {
        Self::new(max_bytes, DROPPED.clone(), Box::new(write_stdout))
    }

    fn new(max_bytes: usize, dropped: IntCounter, output: Output) -> io::Result<(Self, LogGuard)> {
        let shared = Arc::new(Shared {
            max_bytes,
            state: Mutex::default(),
            filled: Condvar::new(),
            written: Condvar::new(),
            dropped,
        });
        let writer = shared.clone();
        thread::Builder::new().name("logs".to_owned()).spawn(move || writer.run(output))?;
        Ok((Self(shared.clone()), LogGuard(shared)))
    }
}

impl io::Write for LogQueue {
    /// Queues whole lines; never waits and never fails.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Shared {
    fn push(&self, line: &[u8]) {
        let mut state = self.state.lock();
        if state.lines.len() + line.len() > self.max_bytes {
            drop(state);
            self.dropped.inc();
            return;
        }
        let was_empty = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.filled.notify_one();
        }
    }

    /// Writes until the queue is closed and empty.
    fn run(&self, mut output: Output) {
        let (mut lines, mut reported) = (Vec::new(), 0);
        // A line was written in part: the next one begins on a new line.
        let mut cut = false;
        while self.take(&mut lines) {
            let line_end =
                if cut { output(b"\n").map_err(|(_, error)| (0, error)) } else { Ok(()) };
            match line_end.and_then(|()| output(&lines)) {
                Ok(()) => {
                    cut = false;
                    reported = self.report(reported);
                }
                // There is nowhere to report the error itself.
                Err((written, _)) => {
                    let lost = lines[written..].iter().filter(|byte| **byte == b'\n').count();
                    self.dropped.inc_by(lost as u64);
                    if written > 0 {
                        cut = lines[written - 1] != b'\n';
                    }
                }
            }
            lines.clear();
            lines.shrink_to(IDLE_BYTES);
        }
    }

    /// Waits for lines and moves them into `lines`; false at the end.
    fn take(&self, lines: &mut Vec<u8>) -> bool {
        let mut state = self.state.lock();
        state.writing = false;
        if state.lines.is_empty() {
            self.written.notify_all();
        }
        while state.lines.is_empty() {
            if state.closed {
                return false;
            }
            self.filled.wait(&mut state);
        }
        state.writing = true;
        std::mem::swap(&mut state.lines, lines);
        true
    }

    /// Logs how many lines were dropped since the last report; returns the new total.
    fn report(&self, reported: u64) -> u64 {
        let dropped = self.dropped.get();
        if dropped > reported {
            tracing::warn!(lines = dropped - reported, "log lines dropped");
        }
        dropped
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let end = Instant::now() + FLUSH_MAX;
        let mut state = self.0.state.lock();
        state.closed = true;
        self.0.filled.notify_one();
        while (state.writing || !state.lines.is_empty())
            && !self.0.written.wait_until(&mut state, end).timed_out()
        {}
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Write, sync::mpsc};

    use super::*;

    fn queue(max_bytes: usize, output: Output) -> (LogQueue, LogGuard, IntCounter) {
        let dropped = IntCounter::new("dropped", "Lines").expect("a counter");
        let (queue, guard) = LogQueue::new(max_bytes, dropped.clone(), output).expect("a thread");
        (queue, guard, dropped)
    }

    #[test]
    fn lines_arrive_in_order_and_the_guard_waits_for_them() {
        let (sender, lines) = mpsc::channel();
        let output = Box::new(move |bytes: &[u8]| {
            thread::sleep(Duration::from_millis(20));
            sender.send(bytes.to_vec()).expect("received");
            Ok(())
        });
        let (mut queue, guard, dropped) = queue(1 << 20, output);
        let mut expected = Vec::new();
        for number in 0..1_000 {
            let line = format!("{number}\n");
            queue.write_all(line.as_bytes()).expect("queued");
            expected.extend(line.into_bytes());
        }
        drop(guard);
        assert_eq!(lines.try_iter().flatten().collect::<Vec<_>>(), expected);
        assert_eq!(dropped.get(), 0);
    }

    #[test]
    fn stuck_output_delays_nothing_and_lines_are_counted() {
        let (_blocked, wait) = mpsc::channel::<()>();
        let output = Box::new(move |_: &[u8]| {
            let _ = wait.recv();
            Ok(())
        });
        let (mut queue, guard, dropped) = queue(1_000, output);
        let began = Instant::now();
        for _ in 0..10_000 {
            queue.write_all(b"123456789\n").expect("queued");
        }
        assert!(began.elapsed() < FLUSH_MAX, "{:?}", began.elapsed());
        // The thread may have taken a part of the lines before it got stuck.
        assert!((9_800..=9_900).contains(&dropped.get()), "{dropped:?}");
        drop(guard);
        let took = began.elapsed();
        assert!((FLUSH_MAX..3 * FLUSH_MAX).contains(&took), "{took:?}");
    }

    #[test]
    fn failing_output_costs_its_lines_only() {
        let (sender, received) = mpsc::channel();
        let mut calls = 0;
        let output = Box::new(move |bytes: &[u8]| {
            calls += 1;
            sender.send(bytes.to_vec()).expect("received");
            if calls == 1 { Err((3, io::ErrorKind::StorageFull.into())) } else { Ok(()) }
        });
        let (mut queue, guard, dropped) = queue(1_000, output);
        queue.write_all(b"first\n").expect("queued");
        assert_eq!(received.recv().expect("a batch"), b"first\n");
        queue.write_all(b"second\n").expect("queued");
        assert_eq!(received.recv().expect("a batch"), b"\n", "after a part of a line");
        assert_eq!(received.recv().expect("a batch"), b"second\n");
        drop(guard);
        assert_eq!(dropped.get(), 1);
    }
}
