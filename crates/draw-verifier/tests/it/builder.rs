//! Writes ledgers: records, their canonical JSON and their chain, and the naive cryptography of a
//! draw. It shares no code with the verifier.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use draw_verifier::{Beacons, ChainInfo, Finding, LedgerVerifier, Report};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub const EVENT: &str = "opera";
pub const SEED: [u8; 32] = [7; 32];
pub const CHAIN: &str = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971";
pub const ROUND: u64 = 1_000;
/// The time of the round, Unix seconds.
pub const ROUND_AT_S: u64 = 1_700_000_000;
/// The sale opens 30 s before the round.
pub const SALE_OPENS_AT_MS: u64 = (ROUND_AT_S - 30) * 1_000;
pub const QUEUE_OPENS_AT_MS: u64 = SALE_OPENS_AT_MS - 3_600_000;
pub const PASS_TTL_MS: u64 = 600_000;

pub fn sha256(bytes: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().into()
}

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn text(leaf: &[u8; 32]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(leaf)
}

pub fn leaf_of(queue: u64, key: &str) -> [u8; 32] {
    sha256(format!("ticket-system place v1\0{EVENT}\0{queue}\0{key}"))
}

/// A round's signature, which is not one: the chain of these tests has no key.
pub fn signature(chain: &str, round: u64) -> [u8; 32] {
    sha256(format!("beacon {chain} {round}"))
}

/// The key of the draw (RFC 5869): extract, then the first block of expand.
pub fn draw_key(seed: &[u8; 32], randomness: Option<[u8; 32]>) -> [u8; 32] {
    let mut material = seed.to_vec();
    material.extend(randomness.into_iter().flatten());
    hmac(&hmac(&[0; 32], &material), b"ticket-system draw v1\x01")
}

/// Leaves with their values in the order of the draw.
pub fn order(key: &[u8; 32], leaves: &[[u8; 32]]) -> Vec<([u8; 32], [u8; 32])> {
    let mut order: Vec<_> = leaves.iter().map(|leaf| (hmac(key, leaf), *leaf)).collect();
    order.sort_unstable();
    order
}

/// The root as RFC 6962 defines it.
pub fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256([]),
        [leaf] => sha256([&[0], &leaf[..]].concat()),
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            sha256([&[1], &root(left)[..], &root(right)].concat())
        }
    }
}

/// The audit path as RFC 6962 defines it.
pub fn path(index: usize, leaves: &[[u8; 32]]) -> Vec<[u8; 32]> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let middle = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(middle);
    let (mut path, other) = if index < middle {
        (path(index, left), root(right))
    } else {
        (path(index - middle, right), root(left))
    };
    path.push(other);
    path
}

/// Canonical JSON: members ordered by name, no white space.
pub fn canonical(value: &Value) -> String {
    let join = |parts: Vec<String>| parts.join(",");
    match value {
        Value::Object(members) => {
            let members: BTreeMap<_, _> = members.iter().collect();
            let member =
                |(name, value): (&String, &Value)| format!("{name:?}:{}", canonical(value));
            format!("{{{}}}", join(members.into_iter().map(member).collect()))
        }
        Value::Array(values) => format!("[{}]", join(values.iter().map(canonical).collect())),
        other => other.to_string(),
    }
}

/// What the tests know about beacons.
pub fn beacons() -> Beacons<'static> {
    Beacons {
        check: &|chain, round, signed| {
            let known = chain == CHAIN && signed == signature(chain, round);
            known.then(|| sha256(signed)).ok_or_else(|| format!("not of {chain}"))
        },
        chain_info: &|chain| {
            let genesis_s = ROUND_AT_S - 3 * (ROUND - 1);
            (chain == CHAIN).then_some(ChainInfo { genesis_s, period_s: 3 })
        },
    }
}

/// Records without `seq` and `prev`, which follow from their order.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    pub records: Vec<Value>,
    /// The time of the next record.
    pub at_ms: u64,
}

impl Ledger {
    pub fn push(&mut self, kind: &str, members: Value) {
        let mut record = json!({"at_ms": self.at_ms, "event": EVENT, "kind": kind, "left": {}});
        let Value::Object(members) = members else { panic!("members are an object") };
        record.as_object_mut().unwrap().extend(members);
        self.records.push(record);
        self.at_ms += 1;
    }

    pub fn queue(&mut self, kind: &str, members: &Value) {
        self.push(kind, json!({"queue": members}));
    }

    /// The bodies, numbered and chained.
    pub fn bodies(&self) -> Vec<String> {
        let mut prev = [0; 32];
        let chain = self.records.iter().zip(1_u64..).map(|(record, seq)| {
            let mut record = record.clone();
            record["seq"] = seq.into();
            record["prev"] = hex(prev).into();
            let body = canonical(&record);
            prev = sha256(&body);
            body
        });
        chain.collect()
    }

    pub fn verify(&self) -> Result<Report, Vec<Finding>> {
        verify(&self.bodies())
    }

    /// The positions of records of this kind.
    pub fn of(&self, kind: &str) -> Vec<usize> {
        let all = 0..self.records.len();
        all.filter(|index| self.records[*index]["kind"] == kind).collect()
    }

    /// The position of the `nth` record of this kind.
    pub fn nth(&self, kind: &str, nth: usize) -> usize {
        self.of(kind)[nth]
    }

    /// The member `queue` of the `nth` record of this kind.
    pub fn member(&mut self, kind: &str, nth: usize) -> &mut Value {
        let index = self.nth(kind, nth);
        &mut self.records[index]["queue"]
    }

    /// Puts a record before the one at `index`, at the same time.
    pub fn insert(&mut self, index: usize, kind: &str, members: Value) {
        let at_ms = self.records[index]["at_ms"].as_u64().unwrap();
        let mut one = Self { records: Vec::new(), at_ms };
        one.push(kind, members);
        self.records.insert(index, one.records.remove(0));
    }

    /// Numbers the places of the only queue anew.
    pub fn renumber(&mut self) {
        let mut from = 0;
        for record in self.records.iter_mut().filter(|record| record["kind"] == "queue_joined") {
            record["queue"]["from"] = from.into();
            from += record["queue"]["leaves"].as_array().unwrap().len();
        }
    }
}

pub fn verify(bodies: &[impl AsRef<[u8]>]) -> Result<Report, Vec<Finding>> {
    let mut verifier = LedgerVerifier::new(EVENT, beacons());
    bodies.iter().for_each(|body| verifier.push(body.as_ref()));
    verifier.finish()
}

/// Asserts that the first finding of a ledger is of a kind.
#[macro_export]
macro_rules! assert_found {
    ($ledger:expr, $kind:pat) => {{
        let findings = $ledger.verify().unwrap_err();
        assert!(matches!(findings[0].kind, $kind), "{findings:#?}");
    }};
}

/// Asserts that a finding of a ledger, not the first, is of a kind.
#[macro_export]
macro_rules! assert_also_found {
    ($ledger:expr, $kind:pat) => {{
        let findings = $ledger.verify().unwrap_err();
        let found = findings[1..].iter().any(|finding| matches!(finding.kind, $kind));
        assert!(found, "{findings:#?}");
    }};
}
