//! The number of records, stored apart from the tables.
//!
//! After a crash the tables may end earlier than they should: a journal is read up to its first
//! damaged entry. The tables do not show whether that entry was the torn last one or preceded
//! acknowledged ones. This count does. It is written after every commit without a sync of its own,
//! so after a loss of power it may be older than the tables, never newer.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

/// Distinguishes a written count from arbitrary bytes.
const CHECK: u64 = 0x7761_7465_726d_6172;

pub struct Watermark(File);

impl Watermark {
    /// Opens or creates the file, and reads the count; `None` when it has none yet.
    pub fn open(path: &Path) -> io::Result<(Self, Option<u64>)> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let mut bytes = [0; 16];
        let count = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => parse(&bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        Ok((Self(file), count))
    }

    pub fn set(&self, count: u64) -> io::Result<()> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&count.to_be_bytes());
        bytes[8..].copy_from_slice(&(count ^ CHECK).to_be_bytes());
        self.0.write_all_at(&bytes, 0)
    }
}

/// The count in the file at `path`, if there is one, without making the file.
pub fn read(path: &Path) -> io::Result<Option<u64>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(bytes.first_chunk().and_then(parse)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parse(bytes: &[u8; 16]) -> Option<u64> {
    let (count, check) = bytes.split_at(8);
    let count = u64::from_be_bytes(count.try_into().ok()?);
    (u64::from_be_bytes(check.try_into().ok()?) == count ^ CHECK).then_some(count)
}
