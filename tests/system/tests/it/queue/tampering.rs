//! Changed copies of a ledger.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Mode,
    command::{backup, drawn, verify_draw},
};

fn read(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Writes the records with a hash chain that fits them.
fn write(file: &Path, records: &[Value]) {
    let mut heads: BTreeMap<String, String> = BTreeMap::new();
    let mut text = String::new();
    for record in records {
        let mut record = record.clone();
        let event = record["event"].as_str().unwrap().to_owned();
        if let Some(head) = heads.get(&event) {
            record["prev"] = json!(head);
        }
        let body = record.to_string();
        let hash = Sha256::digest(&body).iter().map(|byte| format!("{byte:02x}")).collect();
        heads.insert(event, hash);
        text.push_str(&body);
        text.push('\n');
    }
    fs::write(file, text).unwrap();
}

/// The records of this kind.
fn of_kind<'a>(records: &'a mut [Value], kind: &str) -> Vec<&'a mut Value> {
    records.iter_mut().filter(|record| record["kind"] == kind).collect()
}

/// Each change and what is found; the chain is made to fit it.
type Change = (&'static str, fn(&mut [Value]), &'static str);

const CHANGES: [Change; 8] = [
    ("two leaves are swapped", swap_leaves, "is not that of the participants"),
    ("a place is left out", leave_out, "the draw names 5 participants, and 4 places"),
    ("another seed is revealed", other_seed, "the seed is not the committed one"),
    ("others are called", other_threshold, "the threshold does not call exactly"),
    ("more are called than there are", call_more, "turns up to 60 were called, and there are"),
    ("a pass is claimed by a stranger", other_leaf, "is not in the queue"),
    ("a hold names no place", no_place, "held or sold without a place"),
    ("a record is missing", drop_record, "a record is missing or repeated"),
];

fn swap_leaves(records: &mut [Value]) {
    let joined = of_kind(records, "queue_joined");
    let mut leaves: Vec<_> = joined
        .into_iter()
        .flat_map(|record| record["queue"]["leaves"].as_array_mut().unwrap())
        .collect();
    let (first, rest) = leaves.split_first_mut().unwrap();
    std::mem::swap(*first, rest[0]);
}

fn leave_out(records: &mut [Value]) {
    let mut joined = of_kind(records, "queue_joined");
    joined[0]["queue"]["leaves"].as_array_mut().unwrap().pop();
}

fn other_seed(records: &mut [Value]) {
    of_kind(records, "draw_revealed")[0]["queue"]["seed"] = json!("00".repeat(32));
}

fn other_threshold(records: &mut [Value]) {
    of_kind(records, "queue_called")[0]["queue"]["upto"] = json!("f".repeat(32));
}

fn call_more(records: &mut [Value]) {
    of_kind(records, "queue_called").pop().unwrap()["queue"]["serving"] = json!(60);
}

fn other_leaf(records: &mut [Value]) {
    of_kind(records, "pass_claimed")[0]["queue"]["leaf"] = json!("A".repeat(43));
}

fn no_place(records: &mut [Value]) {
    of_kind(records, "held")[0].as_object_mut().unwrap().remove("place");
}

fn drop_record(records: &mut [Value]) {
    *of_kind(records, "held").remove(0) = Value::Null;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_is_found_and_named_with_its_seq() {
    let (system, _) = drawn(Mode::Monolith, &[]).await;
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    let at = copy.to_str().unwrap();
    backup(&system, at).await;
    let ledger = copy.join("ledger.jsonl");
    let records = read(&ledger);
    write(&ledger, &records);
    let (code, text) = verify_draw(&[at]).await;
    assert_eq!(code, 3, "the chain is that of the product: {text}");
    for (what, change, found) in CHANGES {
        let mut changed = records.clone();
        change(&mut changed);
        changed.retain(|record| !record.is_null());
        write(&ledger, &changed);
        let (code, text) = verify_draw(&[at]).await;
        assert_eq!(code, 1, "{what}: {text}");
        let named = text.lines().any(|line| line.starts_with("gala: seq ") && line.contains(found));
        assert!(named, "{what}: {text}");
    }
    // Without a chain that fits.
    let text = fs::read_to_string(&ledger).unwrap();
    let mut swapped = records.clone();
    swap_leaves(&mut swapped);
    let bodies: Vec<_> = swapped.iter().map(ToString::to_string).collect();
    fs::write(&ledger, bodies.join("\n")).unwrap();
    let (code, broken) = verify_draw(&[at]).await;
    assert_eq!(code, 1, "{broken}");
    assert!(broken.contains("the hash chain is broken"), "{broken}");
    // The end is cut off: the manifest knows.
    let (cut, _) = text.trim_end().rsplit_once('\n').unwrap();
    write(&ledger, &records[..records.len() - 1]);
    assert!(text.starts_with(&cut[..10]));
    let (code, short) = verify_draw(&[at]).await;
    assert_eq!(code, 1, "{short}");
    assert!(short.contains("the manifest lists"), "{short}");
}

#[tokio::test(flavor = "multi_thread")]
async fn single_file_that_is_cut_off_or_changed_is_refused() {
    let (system, _) = drawn(Mode::Monolith, &[]).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("backup");
    let at = file.to_str().unwrap();
    let whole = String::from_utf8(backup(&system, "-").await).unwrap();
    let lines: Vec<_> = whole.lines().collect();
    let without = |number: usize| {
        let mut lines = lines.clone();
        lines.remove(number);
        lines.join("\n")
    };
    // A record, of the end: the manifest knows how many there are.
    fs::write(&file, without(lines.len() - 2)).unwrap();
    let (code, text) = verify_draw(&[at]).await;
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("the manifest lists"), "{text}");
    fs::write(&file, format!("{whole}{}", lines[0])).unwrap();
    let (code, text) = verify_draw(&[at]).await;
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("follow the manifest"), "{text}");
}
