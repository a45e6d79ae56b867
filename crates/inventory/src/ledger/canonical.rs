//! Writes canonical JSON (RFC 8785) without an intermediate tree: every sale writes and hashes one
//! record.
//!
//! Members come in the order in which they are written, so the caller orders them by name. Names of
//! members are slugs.

use serde::Serialize;
use uuid::fmt::Hyphenated;

use crate::domain::{HoldId, Items, KeyUse, Money, hash::hex};

/// Most bodies are no longer.
const USUAL_BYTES: usize = 512;

/// An object that is being written.
pub(super) struct Object {
    bytes: Vec<u8>,
}

impl Object {
    /// The object that `write` writes the members of.
    pub fn body(write: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut object = Self { bytes: Vec::with_capacity(USUAL_BYTES) };
        object.members(write);
        object.bytes
    }

    fn members(&mut self, write: impl FnOnce(&mut Self)) {
        self.bytes.push(b'{');
        write(self);
        self.bytes.push(b'}');
    }

    fn name(&mut self, name: &str) {
        if self.bytes.last() != Some(&b'{') {
            self.bytes.push(b',');
        }
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(b"\":");
    }

    /// An optional member.
    pub fn some<T>(
        &mut self,
        name: &str,
        value: Option<T>,
        write: impl FnOnce(&mut Self, &str, T),
    ) {
        if let Some(value) = value {
            write(self, name, value);
        }
    }

    /// A whole number.
    pub fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        self.bytes.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// Any text.
    pub fn text(&mut self, name: &str, value: &str) {
        if value.bytes().any(|byte| byte < b' ' || matches!(byte, b'"' | b'\\')) {
            return self.json(name, value);
        }
        self.plain(name, value);
    }

    /// A text that needs no escaping.
    fn plain(&mut self, name: &str, value: &str) {
        self.name(name);
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(b'"');
    }

    /// Up to 32 bytes in lower-case hexadecimal.
    pub fn hex(&mut self, name: &str, value: &[u8]) {
        let mut text = [0; 64];
        self.plain(name, hex::encode_into(value, &mut text[..2 * value.len()]));
    }

    /// An id.
    pub fn id(&mut self, name: &str, value: HoldId) {
        self.plain(name, value.write_to(&mut [0; Hyphenated::LENGTH]));
    }

    /// An object.
    pub fn object(&mut self, name: &str, write: impl FnOnce(&mut Self)) {
        self.name(name);
        self.members(write);
    }

    /// A list of items.
    pub fn items(&mut self, name: &str, value: &Items) {
        self.name(name);
        self.bytes.push(b'[');
        for (number, item) in value.iter().enumerate() {
            if number > 0 {
                self.bytes.push(b',');
            }
            self.members(|one| {
                one.number("qty", item.qty);
                one.text("stock", item.stock.as_str());
            });
        }
        self.bytes.push(b']');
    }

    /// A key and its use.
    pub fn key_use(&mut self, name: &str, value: &KeyUse) {
        self.object(name, |used| {
            used.number("expires_at_ms", value.expires_at_ms);
            used.hex("fingerprint", value.fingerprint.as_bytes());
            used.text("key", value.key.as_str());
        });
    }

    /// An amount of money.
    pub fn money(&mut self, name: &str, value: &Money) {
        self.json(name, value);
    }

    /// A rare value, by its JSON form. Its members must be in order.
    pub fn json<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        self.name(name);
        if let Err(error) = serde_json::to_writer(&mut self.bytes, value) {
            unreachable!("what a record holds always has a JSON form: {error}");
        }
    }
}
