//! Violations planted in a copy of a run's ledger: a check that does not find them proves nothing.

use serde_json::Value;

use crate::{checks::draw_findings, ledger::Ledger};

/// Changes one thing in records; false when there is nothing to change.
type Plant = fn(&mut Vec<Value>) -> bool;

const PLANTS: [(&str, Plant); 6] = [
    ("a hold of a place that was not called", |records| hold_uncalled(records)),
    ("a hold without a pass", |records| hold_without_pass(records)),
    ("a second hold with a pass", hold_twice),
    ("calls beyond the threshold", |records| call_more(records)),
    ("a place moved ahead after the draw", |records| swap_places(records)),
    ("a place added to the draw", |records| add_place(records)),
];

/// The violations that `draw_findings` does not find in `ledger`.
pub fn unfound(event: &str, ledger: &Ledger) -> Vec<String> {
    let missed = PLANTS.iter().filter_map(|(name, plant)| {
        let mut records = ledger.records.clone();
        if !plant(&mut records) {
            return Some(format!("{name}: cannot be planted"));
        }
        let findings = draw_findings(event, &Ledger::of(records));
        findings.is_ok().then(|| format!("{name}: not found"))
    });
    missed.collect()
}

/// How many are planted.
pub const COUNT: usize = PLANTS.len();

fn last<'a>(records: &'a mut [Value], kind: &str) -> Option<&'a mut Value> {
    records.iter_mut().rfind(|record| record["kind"] == kind)
}

/// A leaf that never claimed a pass, joined last, and so was not called.
fn uncalled(records: &[Value]) -> Option<Value> {
    let joined = records.iter().rfind(|record| record["kind"] == "queue_joined")?;
    joined["queue"]["leaves"].as_array()?.last().cloned()
}

fn hold_uncalled(records: &mut [Value]) -> bool {
    let (Some(leaf), Some(held)) = (uncalled(records), last(records, "held")) else {
        return false;
    };
    let place = std::mem::replace(&mut held["place"], leaf.clone());
    let claim = records
        .iter_mut()
        .find(|record| record["kind"] == "pass_claimed" && record["queue"]["leaf"] == place);
    claim.map(|claim| claim["queue"]["leaf"] = leaf).is_some()
}

fn hold_without_pass(records: &mut [Value]) -> bool {
    let Some(leaf) = uncalled(records) else { return false };
    last(records, "held").map(|held| held["place"] = leaf).is_some()
}

fn hold_twice(records: &mut Vec<Value>) -> bool {
    let again = last(records, "held").cloned();
    let end = records.last().map(|end| end["at_ms"].clone());
    let Some((mut again, end)) = again.zip(end) else { return false };
    again["at_ms"] = end;
    records.push(again);
    true
}

fn call_more(records: &mut [Value]) -> bool {
    let mut calls = records.iter_mut().rev().filter(|record| record["kind"] == "queue_called");
    let Some(called) = calls.nth(1) else { return false };
    let serving = called["queue"]["serving"].as_u64().unwrap_or_default();
    called["queue"]["serving"] = (serving + 1).into();
    true
}

fn swap_places(records: &mut [Value]) -> bool {
    let joined = records.iter_mut().filter(|record| record["kind"] == "queue_joined");
    let mut lists = joined.filter_map(|joined| joined["queue"]["leaves"].as_array_mut());
    let (Some(first), Some(second)) = (lists.next(), lists.next()) else { return false };
    match (first.first_mut(), second.first_mut()) {
        (Some(one), Some(other)) => std::mem::swap(one, other),
        _ => return false,
    }
    true
}

fn add_place(records: &mut [Value]) -> bool {
    let Some(at) = records.iter().position(|record| record["kind"] == "draw_frozen") else {
        return false;
    };
    let before = records[..at].iter_mut().rfind(|record| record["kind"] == "queue_joined");
    let leaves = before.and_then(|joined| joined["queue"]["leaves"].as_array_mut());
    leaves.map(|leaves| leaves.push("A".repeat(43).into())).is_some()
}
