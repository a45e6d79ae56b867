//! The rules of a queue once more, written down as simply as possible: each rule looks at all
//! records of a small ledger. It knows one queue with a draw, whose settings never change.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::builder::{
    Ledger, PASS_TTL_MS, QUEUE_OPENS_AT_MS, SALE_OPENS_AT_MS, SEED, draw_key, hex, order, root,
    sha256, text,
};

struct At<'a> {
    position: usize,
    at_ms: u64,
    record: &'a Value,
}

fn of<'a>(ledger: &'a Ledger, kinds: &[&str]) -> Vec<At<'a>> {
    let all = ledger.records.iter().enumerate();
    all.filter(|(_, record)| kinds.contains(&record["kind"].as_str().unwrap()))
        .map(|(position, record)| At { position, at_ms: record["at_ms"].as_u64().unwrap(), record })
        .collect()
}

fn unique<T: Ord>(values: impl IntoIterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    values.into_iter().all(|value| seen.insert(value))
}

fn number(record: &Value, member: &str) -> u64 {
    record["queue"][member].as_u64().unwrap()
}

/// Whether an honest queue can have written this; `all` are the leaves that its participants have.
pub fn is_honest(ledger: &Ledger, all: &[[u8; 32]], randomness: Option<[u8; 32]>) -> bool {
    let times: Vec<_> = ledger.records.iter().map(|record| record["at_ms"].as_u64()).collect();
    let (joins, commits) = (of(ledger, &["queue_joined"]), of(ledger, &["draw_committed"]));
    let (freezes, reveals) = (of(ledger, &["draw_frozen"]), of(ledger, &["draw_revealed"]));
    let (calls, pauses) = (of(ledger, &["queue_called"]), of(ledger, &["queue_paused"]));
    let (claims, takes) = (of(ledger, &["pass_claimed"]), of(ledger, &["held", "sold"]));

    // Every leaf in the order of joining, with its join.
    let mut places: Vec<(&str, usize)> = Vec::new();
    let mut numbered = true;
    for (number_of_join, join) in joins.iter().enumerate() {
        numbered &= number(join.record, "from") == places.len() as u64;
        let leaves = join.record["queue"]["leaves"].as_array().unwrap();
        places.extend(leaves.iter().map(|leaf| (leaf.as_str().unwrap(), number_of_join)));
    }
    let freeze = freezes.first().map_or(usize::MAX, |freeze| freeze.position);
    let reveal = reveals.first().map_or(usize::MAX, |reveal| reveal.position);
    let takes_part = |join: usize| joins[join].at_ms < SALE_OPENS_AT_MS;
    let participants: Vec<[u8; 32]> = places
        .iter()
        .filter(|(_, join)| takes_part(*join))
        .map(|(place, _)| *all.iter().find(|leaf| text(leaf) == **place).unwrap())
        .collect();
    let drawn = order(&draw_key(&SEED, randomness), &participants);
    let turn = |place: &str| -> Option<usize> {
        let rank = drawn.iter().position(|(_, leaf)| text(leaf) == place);
        rank.or_else(|| places.iter().position(|(leaf, _)| *leaf == place)).map(|rank| rank + 1)
    };
    let serving = |position: usize| {
        let before = calls.iter().filter(|call| call.position < position);
        before.map(|call| number(call.record, "serving")).max().unwrap_or(0)
    };
    let claim_of = |place: &str, position: usize| {
        let before = claims.iter().filter(|claim| claim.position < position);
        before.into_iter().find(|claim| claim.record["queue"]["leaf"] == place)
    };

    let joined = numbered
        && unique(places.iter().map(|(leaf, _)| leaf))
        && joins.iter().all(|join| join.at_ms >= QUEUE_OPENS_AT_MS)
        && joins.iter().all(|join| join.position < freeze || join.at_ms >= SALE_OPENS_AT_MS);
    let committed = joins
        .iter()
        .chain(&freezes)
        .all(|one| commits.iter().any(|commit| commit.position < one.position))
        && commits.len() <= 1
        && commits.iter().all(|commit| commit.position < freeze)
        && commits.iter().all(|commit| commit.record["queue"]["commitment"] == hex(sha256(SEED)));
    let frozen = freezes.len() <= 1
        && freezes.iter().all(|one| {
            one.at_ms >= SALE_OPENS_AT_MS
                && number(one.record, "n") == participants.len() as u64
                && one.record["queue"]["root"] == hex(root(&participants))
        });
    let revealed = reveals.len() <= 1 && reveals.iter().all(|one| freeze < one.position);
    let called = calls.iter().all(|call| {
        let highest = number(call.record, "serving");
        let paused = pauses.iter().rfind(|pause| pause.position < call.position);
        let there = places.iter().filter(|(_, join)| joins[*join].position < call.position);
        let last = participants.len().min(highest as usize);
        reveal < call.position
            && paused.is_none_or(|pause| pause.record["queue"]["paused"] == false)
            && highest > serving(call.position)
            && highest <= there.count() as u64
            && drawn
                .get(last.wrapping_sub(1))
                .is_some_and(|(value, _)| call.record["queue"]["upto"] == hex(&value[..16]))
    });
    let claimed = unique(claims.iter().map(|claim| claim.record["queue"]["leaf"].as_str()))
        && claims.iter().all(|claim| {
            let leaf = claim.record["queue"]["leaf"].as_str().unwrap();
            let longest = (claim.at_ms + PASS_TTL_MS).next_multiple_of(1_000);
            turn(leaf).is_some_and(|turn| turn as u64 <= serving(claim.position))
                && number(claim.record, "expires_at_ms") <= longest
        });
    let taken = unique(takes.iter().map(|take| take.record["place"].as_str()))
        && takes.iter().all(|take| {
            let claim = claim_of(take.record["place"].as_str().unwrap(), take.position);
            claim.is_some_and(|claim| take.at_ms < number(claim.record, "expires_at_ms"))
        });
    times.is_sorted() && joined && committed && frozen && revealed && called && claimed && taken
}
