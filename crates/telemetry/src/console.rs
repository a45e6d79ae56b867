//! Standard output and standard error, without a panic and without an endless wait.
//!
//! The macros of the standard library panic when the stream is closed or its disk is full.

use std::{fmt::Display, io, os::fd::BorrowedFd, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, retry_on_intr, write},
    stdio::{stderr, stdout},
};

/// Time that a message waits for a reader of standard error.
const MESSAGE_WAIT: Duration = Duration::from_secs(1);

/// Longest message, bytes: a pipe that reports space takes as much at once.
const MESSAGE_MAX_BYTES: usize = 4_096;

/// Writes the result of a command to standard output.
///
/// # Errors
/// When it is closed or its disk is full.
pub fn print_result(text: &str) -> io::Result<()> {
    write_stdout(text.as_bytes()).map_err(|(_, error)| error)
}

/// Writes a message and a line end to standard error. It is lost when standard error fails or is
/// not read.
pub fn print_message(message: &impl Display) {
    let mut line = message.to_string();
    line.truncate(line.floor_char_boundary(MESSAGE_MAX_BYTES - 1));
    line.push('\n');
    if is_writable(stderr(), Some(MESSAGE_WAIT)) {
        let _ = retry_on_intr(|| write(stderr(), line.as_bytes()));
    }
}

/// Writes all of `bytes`; waits as long as the reader takes. The error says how many were written.
pub(crate) fn write_stdout(bytes: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut written = 0;
    while written < bytes.len() {
        match retry_on_intr(|| write(stdout(), &bytes[written..])) {
            Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            // The stream was made non-blocking by a process that shares it.
            Err(Errno::AGAIN) if is_writable(stdout(), None) => {}
            Err(error) => return Err((written, error.into())),
        }
    }
    Ok(())
}

/// Whether a write returns at once, within `limit`. A failing stream counts: its write says why.
fn is_writable(stream: BorrowedFd<'_>, limit: Option<Duration>) -> bool {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    let mut streams = [PollFd::from_borrowed_fd(stream, PollFlags::OUT)];
    retry_on_intr(|| poll(&mut streams, limit.as_ref())).is_ok_and(|ready| ready > 0)
}
