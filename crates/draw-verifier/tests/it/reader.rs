//! The forms in which ledgers are saved.

use draw_verifier::{LedgerVerifier, ReadError, Report, read_bodies};
use serde_json::{Value, json};

use crate::{
    builder::{EVENT, beacons, hex, sha256},
    honest::SMALL,
};

fn read(input: &str) -> Result<Vec<String>, ReadError> {
    let mut bodies = Vec::new();
    // A small buffer, so that texts go over its end.
    let reader = std::io::BufReader::with_capacity(16, input.as_bytes());
    let each = |body: &[u8]| bodies.push(String::from_utf8(body.to_vec()).unwrap());
    let found = read_bodies(reader, each)?;
    assert_eq!(found, bodies.len() as u64);
    Ok(bodies)
}

fn report(input: &str) -> Report {
    let mut verifier = LedgerVerifier::new(EVENT, beacons());
    read_bodies(input.as_bytes(), |body| verifier.push(body)).unwrap();
    verifier.finish().unwrap()
}

fn cloud_events(bodies: &[String]) -> Vec<String> {
    let event = |(body, sequence): (&String, u64)| {
        format!(
            "{{\"specversion\":\"1.0\",\"id\":\"{sequence}\",\"source\":\"/api/v1/events/opera\",\
             \"datacontenttype\":\"application/json\",\"sequence\":\"{sequence}\",\
             \"sequencetype\":\"Integer\",\"hash\":\"{}\",\"data\":{body}}}",
            hex(sha256(body))
        )
    };
    bodies.iter().zip(1..).map(event).collect()
}

#[test]
fn bodies_are_read_from_every_form() {
    let bodies = SMALL.ledger().bodies();
    let lines = bodies.join("\n") + "\n";
    let manifest = json!({"manifest": {
        "events": [], "format": 1, "records": bodies.len(), "sha256": hex(sha256(&lines)),
    }});
    let events = cloud_events(&bodies);
    let (first, second) = events.split_at(20);
    let page = |events: &[String]| format!("[{}]", events.join(","));
    let pretty = |events: &[String]| {
        let value: Value = serde_json::from_str(&page(events)).unwrap();
        serde_json::to_string_pretty(&value).unwrap()
    };
    for (form, input) in [
        ("lines", lines.clone()),
        ("lines without the last end", lines.trim_end().to_owned()),
        ("lines with carriage returns", lines.replace('\n', "\r\n")),
        ("a backup in one file", format!("{lines}{manifest}\n")),
        ("a page", page(&events)),
        ("pages", format!("\n {}{}\n{}\n", page(first), page(&[]), page(second))),
        ("formatted pages", pretty(first) + &pretty(second)),
        ("an event per line", events.join("\n")),
    ] {
        assert_eq!(read(&input).unwrap(), bodies, "{form}");
        assert_eq!(report(&input), SMALL.ledger().verify().unwrap(), "{form}");
    }
    assert_eq!(read("").unwrap(), [""; 0]);
}

#[test]
fn damaged_input_is_refused() {
    let bodies = SMALL.ledger().bodies();
    let lines = bodies.join("\n");
    let manifest = |records: usize| json!({"manifest": {"records": records}});
    let damaged = |input: String| read(&input).unwrap_err();
    let error = damaged(format!("{lines}\n{}", manifest(1)));
    assert!(matches!(error, ReadError::Manifest { listed: 1, .. }), "{error}");
    let error = damaged(format!("{lines}\n{}\n{lines}", manifest(bodies.len())));
    assert!(matches!(error, ReadError::AfterManifest), "{error}");
    let events = cloud_events(&bodies);
    let changed = events[1].replacen("general", "special", 1);
    for input in [format!("[{},{changed}]", events[0]), format!("{}\n{changed}", events[0])] {
        let error = damaged(input);
        assert!(matches!(error, ReadError::Hash { number: 2 }), "{error}");
    }
    let error = damaged(format!("[{}", events[0]));
    assert!(matches!(error, ReadError::Json(_)), "{error}");
    // A line that is cut is left to the verifier, which names the record.
    assert_eq!(read(&lines[..lines.len() - 9]).unwrap().len(), bodies.len());
}
