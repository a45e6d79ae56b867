//! The ledger of the event, as the administrator reads it.

use std::collections::{BTreeMap, HashMap};

use draw_verifier::read_bodies;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    error::Error,
    http::{Call, Http},
    stall::{self, Signal, Stall},
};

const PAGE: usize = 1_000;

/// The records, in their order.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    pub records: Vec<Value>,
    /// The bytes that the chain is made of.
    pub bodies: Vec<Vec<u8>>,
}

impl Ledger {
    /// Reads all pages of the sales feed.
    pub async fn read(http: &Http, event: &str) -> Result<Self, Error> {
        let (mut ledger, mut page) = (Self::default(), PAGE);
        while page == PAGE {
            let after = ledger.records.last().map_or(0, |last| number(&last["seq"]));
            let path = format!("/api/v1/admin/events/{event}/sales?after={after}&limit={PAGE}");
            let call = Call::get(path).admin();
            let before = ledger.records.len();
            let read = read_bodies(&*http.expect(200, &call).await?.bytes, |body| {
                ledger.records.push(serde_json::from_slice(body).unwrap_or_default());
                ledger.bodies.push(body.to_vec());
            });
            read.map_err(|error| Error::Ledger(error.to_string()))?;
            page = ledger.records.len() - before;
        }
        Ok(ledger)
    }

    /// The ledger of these records, numbered and chained anew.
    pub fn of(records: Vec<Value>) -> Self {
        let (mut ledger, mut prev) = (Self::default(), [0; 32]);
        for (mut record, seq) in records.into_iter().zip(1_u64..) {
            record["seq"] = seq.into();
            record["prev"] = const_hex::encode(prev).into();
            // The members of a value are ordered by name.
            let body = record.to_string().into_bytes();
            prev = Sha256::digest(&body).into();
            ledger.records.push(record);
            ledger.bodies.push(body);
        }
        ledger
    }

    /// The records of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.records.iter().filter(move |record| record["kind"] == kind)
    }

    /// How many records there are of each kind.
    pub fn kinds(&self) -> BTreeMap<&str, u64> {
        let mut kinds = BTreeMap::new();
        for record in &self.records {
            *kinds.entry(record["kind"].as_str().unwrap_or_default()).or_default() += 1;
        }
        kinds
    }

    /// The index of each place, and places that joined twice or with a wrong number.
    pub fn places(&self) -> (HashMap<&str, u64>, Vec<String>) {
        let (mut places, mut wrong) = (HashMap::new(), Vec::new());
        for record in self.of_kind("queue_joined") {
            let leaves = record["queue"]["leaves"].as_array();
            let from = number(&record["queue"]["from"]);
            for (leaf, index) in leaves.into_iter().flatten().zip(from..) {
                let leaf = leaf.as_str().unwrap_or_default();
                if places.insert(leaf, index).is_some() {
                    wrong.push(format!("{leaf} is there twice, the second time at {index}"));
                }
            }
        }
        (places, wrong)
    }

    /// When the first record of a kind was written.
    pub fn first_ms(&self, kind: &str) -> u64 {
        self.of_kind(kind).next().map_or(0, |record| number(&record["at_ms"]))
    }

    /// The tickets sold so far, at each confirmation.
    pub fn sold(&self) -> Vec<(u64, u64)> {
        let mut sold = 0;
        let confirmed = self.of_kind("confirmed").map(|record| {
            sold += items(record);
            (number(&record["at_ms"]), sold)
        });
        confirmed.collect()
    }

    /// The longest time after the draw without a call, claim, hold or confirmation while tickets
    /// were left and people waited.
    pub fn longest_stall(&self) -> Stall {
        let (mut joined, mut serving, mut left, mut is_drawn) = (0, 0, 0, false);
        let mut signals = Vec::new();
        for record in &self.records {
            let at_ms = number(&record["at_ms"]);
            match record["kind"].as_str().unwrap_or_default() {
                "queue_joined" => {
                    let leaves = record["queue"]["leaves"].as_array();
                    joined += leaves.map_or(0, |leaves| leaves.len() as u64);
                }
                "draw_revealed" => is_drawn = true,
                "queue_called" => {
                    serving = number(&record["queue"]["serving"]);
                    signals.push((at_ms, Signal::Moved));
                }
                "pass_claimed" | "held" | "confirmed" => signals.push((at_ms, Signal::Moved)),
                _ => {}
            }
            // A record of the waiting room moves no tickets, and does not count them.
            left = record["left"]["general"].as_u64().unwrap_or(left);
            if is_drawn {
                signals.push((at_ms, Signal::State { left, waiting: joined - serving }));
            }
        }
        stall::longest(signals)
    }
}

/// The tickets of a record.
pub fn items(record: &Value) -> u64 {
    record["items"].as_array().into_iter().flatten().map(|item| number(&item["qty"])).sum()
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stall_is_found_beside_records_that_move_nothing() {
        let record = |at_ms: u64, kind: &str, left: Value, queue: Value| json!({"at_ms": at_ms, "kind": kind, "left": left, "queue": queue});
        let leaves = json!({"from": 0, "leaves": ["a", "b", "c"]});
        let records = vec![
            record(1, "event_put", json!({"general": 5}), json!({})),
            record(2, "queue_joined", json!({}), leaves),
            record(1_000, "draw_revealed", json!({}), json!({})),
            record(1_500, "queue_called", json!({}), json!({"serving": 1})),
            record(2_000, "held", json!({"general": 3}), json!({})),
            record(4_000, "released", json!({"general": 5}), json!({})),
            record(6_000, "queue_joined", json!({}), json!({"from": 3, "leaves": ["d"]})),
            record(9_000, "queue_called", json!({}), json!({"serving": 2})),
        ];
        assert_eq!(Ledger::of(records).longest_stall(), Stall { ms: 7_000, at_ms: 2_000 });
    }
}
