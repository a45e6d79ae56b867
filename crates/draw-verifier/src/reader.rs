//! Reads the bodies of records from the forms in which ledgers are saved.

use std::io::{self, BufRead};

use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::canonical::canonical;

/// How a line begins that is a record's body: no member sorts before `amount` and `at_ms`.
const BODY: &[u8] = b"{\"a";

/// Why a ledger cannot be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not JSON.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The hash of a CloudEvent is not that of its data.
    #[error("CloudEvent {number}: hash does not match data")]
    Hash {
        /// Its number in the input, from 1.
        number: u64,
    },
    /// The manifest at the end lists another number of records.
    #[error("the manifest lists {listed} records, found {found}")]
    Manifest {
        /// The number in the manifest.
        listed: u64,
        /// The number of lines before it.
        found: u64,
    },
    /// Something follows the manifest.
    #[error("data follow the manifest, which is the last line of a backup")]
    AfterManifest,
}

/// A CloudEvent of a sales feed.
#[derive(Deserialize)]
struct CloudEvent {
    data: Box<RawValue>,
    hash: Option<String>,
}

/// The last line of a backup in a single file.
#[derive(Deserialize)]
struct LastLine {
    manifest: Manifest,
}

#[derive(Deserialize)]
struct Manifest {
    records: u64,
}

/// Calls `each` with the body of every record of `reader`, and returns their number.
///
/// `reader` has one body per line, as `ledger.jsonl` of a backup folder and a backup in a single
/// file have them, or CloudEvents of a sales feed: arrays of them one after the other, or one per
/// line. The bytes of a body are what the hash chain is made of. A sales feed has them in `data`;
/// where a tool has formatted them in another way, their canonical form is taken.
///
/// # Errors
/// [`ReadError`]. A record that is not readable is no error; the verifier reports it.
pub fn read_bodies(
    mut reader: impl BufRead,
    mut each: impl FnMut(&[u8]),
) -> Result<u64, ReadError> {
    if first_byte(&mut reader)? == Some(b'[') {
        read_arrays(reader, each)
    } else {
        read_lines(reader, &mut each)
    }
}

/// The first byte that is not white space.
fn first_byte(reader: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let blank = bytes.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        if let Some(first) = bytes.get(blank) {
            return Ok(Some(*first));
        }
        reader.consume(blank);
    }
}

fn read_lines(mut reader: impl BufRead, each: &mut impl FnMut(&[u8])) -> Result<u64, ReadError> {
    let (mut line, mut found, mut ended) = (Vec::new(), 0, false);
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = line.trim_ascii();
        if text.is_empty() {
            line.clear();
            continue;
        }
        if ended {
            return Err(ReadError::AfterManifest);
        }
        if text.starts_with(BODY) {
            found += 1;
            each(text);
        } else if let Ok(LastLine { manifest }) = serde_json::from_slice(text) {
            if manifest.records != found {
                return Err(ReadError::Manifest { listed: manifest.records, found });
            }
            ended = true;
        } else {
            found += 1;
            match serde_json::from_slice(text) {
                Ok(event) => each(body_of(&event, found)?.as_bytes()),
                Err(_) => each(text),
            }
        }
        line.clear();
    }
    Ok(found)
}

/// The body in a CloudEvent.
fn body_of(event: &CloudEvent, number: u64) -> Result<String, ReadError> {
    let is_hash = |body: &str| {
        let hash = || const_hex::encode(<[u8; 32]>::from(Sha256::digest(body)));
        event.hash.as_ref().is_none_or(|named| *named == hash())
    };
    let data = event.data.get();
    if event.hash.is_some() && is_hash(data) {
        return Ok(data.to_owned());
    }
    let body = canonical(&serde_json::from_str::<Value>(data)?);
    if is_hash(&body) { Ok(body) } else { Err(ReadError::Hash { number }) }
}

fn read_arrays(reader: impl BufRead, each: impl FnMut(&[u8])) -> Result<u64, ReadError> {
    let mut json = serde_json::Deserializer::from_reader(reader);
    let mut elements = Elements { each, found: 0, error: None };
    loop {
        let read = (&mut elements).deserialize(&mut json);
        if let Some(error) = elements.error {
            return Err(error);
        }
        read?;
        if json.end().is_ok() {
            return Ok(elements.found);
        }
    }
}

/// Takes the CloudEvents of an array one by one: a ledger may be larger than the memory.
struct Elements<F> {
    each: F,
    found: u64,
    error: Option<ReadError>,
}

impl<'de, F: FnMut(&[u8])> DeserializeSeed<'de> for &mut Elements<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&[u8])> Visitor<'de> for &mut Elements<F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of CloudEvents")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<(), A::Error> {
        while let Some(event) = events.next_element::<CloudEvent>()? {
            self.found += 1;
            match body_of(&event, self.found) {
                Ok(body) => (self.each)(body.as_bytes()),
                Err(error) => {
                    self.error = Some(error);
                    return Err(A::Error::custom("see the other error"));
                }
            }
        }
        Ok(())
    }
}
