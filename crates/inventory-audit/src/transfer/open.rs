//! Opens a backup: a directory, or the single file that a streamed backup makes.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    error::TransferError,
    manifest::{BACKUP_FORMAT, LastLine, Manifest},
};

/// Bytes read at a time.
const BUFFER: usize = 1 << 20;
/// The longest last line that is looked for, in bytes: some 400,000 events.
const LAST_LINE_MAX: u64 = 64 << 20;

/// A backup that is open for reading.
pub struct OpenBackup {
    /// The ledgers, one record body per line.
    pub ledger: Box<dyn BufRead + Send>,
    /// The file that `ledger` reads, for errors.
    pub path: PathBuf,
    /// What the backup contains.
    pub manifest: Manifest,
}

/// Opens the backup at `path`.
///
/// # Errors
/// [`TransferError`] when it is missing, incomplete, damaged, or of a newer format.
pub fn open_backup(path: &Path) -> Result<OpenBackup, TransferError> {
    let found = fs::metadata(path).map_err(TransferError::io(path))?;
    let open = if found.is_dir() { open_directory(path) } else { open_file(path) }?;
    match open.manifest.format {
        format if format > BACKUP_FORMAT => Err(TransferError::Format(format)),
        _ => Ok(open),
    }
}

fn open_directory(dir: &Path) -> Result<OpenBackup, TransferError> {
    let path = dir.join("manifest.json");
    let text = fs::read(&path).map_err(TransferError::io(&path))?;
    let manifest = serde_json::from_slice(&text)
        .map_err(|error| TransferError::Damaged(format!("manifest.json: {error}")))?;
    let path = dir.join("ledger.jsonl");
    let file = File::open(&path).map_err(TransferError::io(&path))?;
    Ok(OpenBackup { ledger: Box::new(BufReader::with_capacity(BUFFER, file)), path, manifest })
}

fn open_file(path: &Path) -> Result<OpenBackup, TransferError> {
    let io = || TransferError::io(path);
    let mut file = File::open(path).map_err(io())?;
    let (ledger_bytes, line) = last_line(&mut file).map_err(io())?;
    let LastLine { manifest } = serde_json::from_slice(&line).map_err(|_| {
        TransferError::Damaged("its last line is not a manifest, so its end is missing".into())
    })?;
    file.rewind().map_err(io())?;
    let ledger = Box::new(BufReader::with_capacity(BUFFER, file.take(ledger_bytes)));
    Ok(OpenBackup { ledger, path: path.to_owned(), manifest })
}

/// The last line of `file` and the number of bytes before it.
fn last_line(file: &mut File) -> io::Result<(u64, Vec<u8>)> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut window = 64 << 10;
    loop {
        let start = end.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.by_ref().take(window).read_to_end(&mut tail)?;
        let body = tail.strip_suffix(b"\n").unwrap_or(&tail);
        let newline = body.iter().rposition(|byte| *byte == b'\n');
        match newline {
            Some(at) => return Ok((start + at as u64 + 1, body[at + 1..].to_vec())),
            None if start == 0 => return Ok((0, body.to_vec())),
            None if window >= LAST_LINE_MAX => return Ok((start, Vec::new())),
            None => window *= 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn file_with(text: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(text).expect("written");
        file
    }

    #[test]
    fn last_line_is_found_wherever_it_begins() {
        let long = vec![b'x'; 200_000];
        let cases: [(&[u8], u64, &[u8]); 5] = [
            (b"", 0, b""),
            (b"one", 0, b"one"),
            (b"one\ntwo\n", 4, b"two"),
            (b"one\ntwo", 4, b"two"),
            (&[b"one\n".as_slice(), &long, b"\n"].concat(), 4, &long),
        ];
        for (text, before, line) in cases {
            assert_eq!(last_line(&mut file_with(text)).expect("read"), (before, line.to_vec()));
        }
    }
}
