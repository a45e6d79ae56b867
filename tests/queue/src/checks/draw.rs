//! The draw, by the ledger and by the public documents.

use std::collections::HashMap;

use draw_verifier::{Beacons, Finding, Leaf, LedgerVerifier, PublicVerifier, QueueReport};

use crate::{
    error::Error,
    http::{Call, Http},
    ledger::Ledger,
};

/// The draws of the proof have no beacon.
fn beacons() -> Beacons<'static> {
    Beacons { check: &|_, _, _| Err("there is none".to_owned()), chain_info: &|_| None }
}

/// What the verifier says about the waiting room of `event`.
pub fn draw_findings(event: &str, ledger: &Ledger) -> Result<Vec<QueueReport>, Vec<Finding>> {
    let mut verifier = LedgerVerifier::new(event, beacons());
    ledger.bodies.iter().for_each(|body| verifier.push(body));
    verifier.finish().map(|report| report.queues)
}

/// The turns of all who took part in the draw, as everybody can compute them from the public
/// documents, and what is wrong with these and with the proofs of `places`.
pub async fn public_turns(
    http: &Http,
    event: &str,
    places: &[&str],
    leaves: &[&str],
) -> Result<(HashMap<String, u64>, Vec<String>), Error> {
    let path = format!("/api/v1/events/{event}/queue");
    let get = async |of: &str| http.expect(200, &Call::get(format!("{path}/{of}"))).await;
    let draw = get("draw").await?.bytes;
    let mut pages = Vec::new();
    let mut after = Some(0);
    while let Some(from) = after {
        let page = get(&format!("leaves?after={from}&limit=3000")).await?;
        after = page.json()["next"].as_u64();
        pages.push(page.bytes);
    }
    let (mut turns, mut wrong) = (HashMap::new(), Vec::new());
    for (number, place) in places.iter().enumerate() {
        let proof = get(&format!("proof?place={place}")).await?.bytes;
        let Ok(mut verifier) = PublicVerifier::new(&draw, beacons()) else {
            wrong.push("the draw cannot be read".to_owned());
            break;
        };
        for page in &pages {
            verifier.push_page(page);
        }
        verifier.push_proof(&proof);
        match verifier.finish() {
            Err(findings) => wrong.extend(findings.iter().map(ToString::to_string)),
            Ok(report) if number == 0 => {
                let turn =
                    |leaf: &&str| Some(((*leaf).to_owned(), report.turn(&Leaf::parse(leaf)?)?));
                turns = leaves.iter().filter_map(turn).collect();
            }
            Ok(_) => {}
        }
    }
    Ok((turns, wrong))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const KEYS: [&str; 3] = ["a", "b", "c"];

    /// Three people in a line without a draw; two are called, and the first one holds.
    fn ledger() -> Vec<Value> {
        let leaves = KEYS.map(|key| Leaf::of("gala", 1, key).to_string());
        let record = |kind: &str, members: Value| {
            let mut record = json!({"at_ms": 5, "event": "gala", "kind": kind, "left": {}});
            let all = record.as_object_mut().unwrap();
            all.extend(members.as_object().unwrap().clone());
            record
        };
        let queue = json!({"claim_ttl_ms": 9, "draw": false, "opens_at_ms": 1, "pass_ttl_ms": 9});
        let pass = json!({"expires_at_ms": 14, "leaf": leaves[0], "pass": "p"});
        vec![
            record("event_put", json!({"settings": {"queue": queue}})),
            record("queue_joined", json!({"queue": {"from": 0, "leaves": leaves}})),
            record("queue_called", json!({"queue": {"serving": 2}})),
            record("pass_claimed", json!({"queue": pass})),
            record("held", json!({"place": leaves[0]})),
        ]
    }

    fn found(records: Vec<Value>) -> String {
        match draw_findings("gala", &Ledger::of(records)) {
            Ok(queues) => format!("{} places, {} holds", queues[0].places, queues[0].holds),
            Err(findings) => findings.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn hold_of_an_uncalled_place_is_found() {
        assert_eq!(found(ledger()), "3 places, 1 holds");
        let mut records = ledger();
        let last = records[1]["queue"]["leaves"][2].clone();
        records[4]["place"] = last.clone();
        assert!(found(records.clone()).contains("claimed no pass"), "{}", found(records));
        let mut records = ledger();
        records[3]["queue"]["leaf"] = last.clone();
        records[4]["place"] = last;
        let found = found(records);
        assert!(found.contains("turn 3") && found.contains("held or sold beyond"), "{found}");
    }

    #[test]
    fn changed_record_breaks_the_chain() {
        let mut ledger = Ledger::of(ledger());
        let text = String::from_utf8(ledger.bodies[2].clone()).unwrap();
        ledger.bodies[2] = text.replace("\"serving\":2", "\"serving\":3").into_bytes();
        let findings = draw_findings("gala", &ledger).unwrap_err();
        assert!(findings[0].to_string().contains("hash chain"), "{findings:?}");
    }
}
