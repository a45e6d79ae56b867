//! Verification: valid ledgers pass, and every kind of violation is found at its position.

use std::{collections::BTreeMap, path::Path};

use inventory::{
    CommandKind, EventSettings, Hash, HoldId, IdempotencyKey, KeyUse, Limits, Outcome,
    ledger::{Change, Record},
};
use inventory_audit::verify::{
    Auditor, Entry, Position, VerifyError, VerifyOptions, Violation, ViolationKind, verify_backup,
    verify_data_dir,
};
use inventory_embedded::EmbeddedStore;
use inventory_engine::{Engine, Request};
use inventory_store::OwnedStore;

use crate::support::{
    TestClock, customer, event, hold, items, key, keyed, open, put, reserve, start, stock,
};

/// Audits records event by event; few entries are kept in memory, so that the scratch files are
/// used.
pub fn audit(
    records: impl IntoIterator<Item = (inventory::EventName, u64, Vec<u8>)>,
    limits: &Limits,
) -> Result<Auditor, VerifyError> {
    let mut auditor = Auditor::new(&VerifyOptions {
        memory_entries: 16,
        keys_max: limits.keys_max,
        ..VerifyOptions::default()
    });
    for (event, seq, body) in records {
        auditor.push(&Entry { event, seq, body })?;
    }
    Ok(auditor)
}

const T: u64 = 1_000_000;

fn record(seq: u64, at_ms: u64, change: Change, left: &[(&str, u64)]) -> Record {
    let left = left.iter().map(|(name, qty)| (stock(name), *qty)).collect();
    Record { event: event("default"), seq, prev: Hash::ZERO, at_ms, change, left, key: None }
}

fn id(number: u8) -> HoldId {
    HoldId::new(1, [number; 10])
}

fn event_put(capacity: u64, settings: EventSettings) -> Change {
    Change::EventPut { capacities: BTreeMap::from([(stock("general"), capacity)]), settings }
}

fn sold(number: u8, qty: u64) -> Change {
    Change::Sold {
        id: id(number),
        items: items(&[("general", qty)]),
        customer: Some(customer("c")),
    }
}

fn held(number: u8, qty: u64, expires_at_ms: u64) -> Change {
    Change::Held {
        id: id(number),
        items: items(&[("general", qty)]),
        customer: None,
        expires_at_ms,
    }
}

fn used(text: &str, expires_at_ms: u64) -> Option<KeyUse> {
    let fingerprint = reserve("default", 1).fingerprint();
    Some(KeyUse { expires_at_ms, fingerprint, key: IdempotencyKey::new(text).unwrap() })
}

/// A ledger in which everything happens, and nothing is wrong.
fn good() -> Vec<Record> {
    let general = |qty| items(&[("general", qty)]);
    let confirmed = |number, qty, reacquired| Change::Confirmed {
        id: id(number),
        items: general(qty),
        payment_ref: None,
        reacquired,
    };
    let settings = EventSettings {
        limit_per_customer: Some(8),
        closes_at_ms: Some(T + 5_000),
        ..EventSettings::default()
    };
    let mut records = vec![
        record(1, T, event_put(10, EventSettings::default()), &[("general", 10)]),
        record(2, T + 10, sold(2, 4), &[("general", 6)]),
        record(3, T + 20, held(3, 3, T + 1_000), &[("general", 3)]),
        record(
            4,
            T + 30,
            Change::Extended { id: id(3), items: general(3), expires_at_ms: T + 2_000 },
            &[("general", 3)],
        ),
        record(5, T + 40, confirmed(3, 3, false), &[("general", 3)]),
        record(6, T + 50, held(6, 2, T + 500), &[("general", 1)]),
        record(7, T + 500, Change::Expired { id: id(6), items: general(2) }, &[("general", 3)]),
        record(8, T + 510, confirmed(6, 2, true), &[("general", 1)]),
        record(9, T + 520, held(9, 1, T + 900), &[("general", 0)]),
        record(10, T + 530, Change::Released { id: id(9), items: general(1) }, &[("general", 1)]),
        record(
            11,
            T + 540,
            Change::Refunded { id: id(11), reservation: id(2), items: general(1) },
            &[("general", 2)],
        ),
        record(12, T + 550, event_put(11, settings), &[("general", 3)]),
        record(13, T + 560, sold(13, 1), &[("general", 2)]),
    ];
    records[1].key = used("once", T + 100_000);
    records
}

/// Chains the records again, so that only the change of a test is wrong.
fn chain(mut records: Vec<Record>) -> Vec<(inventory::EventName, u64, Vec<u8>)> {
    let mut prev = Hash::ZERO;
    let bodies = records.iter_mut().zip(1..).map(|(record, place)| {
        record.prev = prev;
        let body = record.to_body();
        prev = Hash::of(&body);
        (event("default"), place, body)
    });
    bodies.collect()
}

fn violation(
    records: impl IntoIterator<Item = (inventory::EventName, u64, Vec<u8>)>,
) -> (u64, ViolationKind) {
    match audit(records, &Limits::default()).and_then(Auditor::finish) {
        Err(VerifyError::Violation(Violation { at: Position::Record { seq, .. }, kind })) => {
            (seq, kind)
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing was found"),
    }
}

/// Changes record `seq` of the valid ledger, chains it again, and returns the violation found.
fn tampered(seq: usize, change: impl FnOnce(&mut Record)) -> (u64, ViolationKind) {
    let mut records = good();
    change(&mut records[seq - 1]);
    violation(chain(records))
}

#[test]
fn valid_ledger_passes() {
    let ledgers = audit(chain(good()), &Limits::default()).unwrap().finish().unwrap();
    let report = ledgers.report();
    assert_eq!(
        (report.records, report.events, report.holds, report.keyed, report.live_holds, report.sold),
        (13, 1, 5, 1, 0, 9)
    );
}

#[test]
fn every_rule_is_checked_at_every_record() {
    use ViolationKind::{
        Balance, Chain, Closed, Gap, Left, Limit, NoCustomer, NoStock, NotCreated, Oversold,
        TimeWentBack, Unexpired,
    };
    let general = |qty| items(&[("general", qty)]);
    let of_hold = |(seq, broken): (u64, ViolationKind)| match broken {
        ViolationKind::Hold { why, .. } => (seq, why),
        other => panic!("seq {seq}: {other}"),
    };
    // The balance.
    assert_eq!(
        tampered(2, |r| r.left[0].1 = 7),
        (2, Balance { stock: stock("general"), left: 7, expected: 6 })
    );
    assert_eq!(
        tampered(11, |r| r.left[0].1 = 3),
        (11, Balance { stock: stock("general"), left: 3, expected: 2 })
    );
    assert_eq!(tampered(2, |r| r.left.clear()), (2, Left));
    assert_eq!(
        tampered(2, |r| r.change = sold(2, 11)),
        (2, Oversold { stock: stock("general"), capacity: 10, held: 0, sold: 11 })
    );
    assert_eq!(tampered(12, |r| r.change = event_put(7, EventSettings::default())).0, 12);
    assert_eq!(
        tampered(2, |r| r.change =
            Change::Sold { id: id(2), items: items(&[("vip", 1)]), customer: None }),
        (2, NoStock(stock("vip")))
    );
    // Order, time and chain.
    assert_eq!(
        tampered(3, |r| r.at_ms = T + 5),
        (3, TimeWentBack { before_ms: T + 10, at_ms: T + 5 })
    );
    assert_eq!(violation(chain(good()[1..].to_vec())).0, 1);
    assert_eq!(violation(chain(vec![record(1, T, sold(2, 1), &[])])), (1, NotCreated));
    let mut gap = good();
    gap.remove(5);
    let gap: Vec<_> = chain(gap)
        .into_iter()
        .enumerate()
        .map(|(at, (e, s, b))| (e, if at < 5 { s } else { s + 1 }, b))
        .collect();
    assert_eq!(violation(gap), (7, Gap { expected: 6 }));
    let mut broken = chain(good());
    let mut other = good();
    other[7].at_ms += 1;
    broken[7].2 = {
        let mut other = other[7].clone();
        other.prev = Hash::of(&broken[6].2);
        other.to_body()
    };
    assert_eq!(violation(broken), (9, Chain));
    // Time decides about holds.
    assert_eq!(
        tampered(5, |r| r.at_ms = T + 2_000),
        (5, Unexpired { id: id(3), expires_at_ms: T + 2_000 })
    );
    assert_eq!(tampered(6, |r| r.change = held(6, 2, T + 50)).0, 6);
    assert_eq!(of_hold(tampered(7, |r| r.at_ms = T + 499)), (7, "expired before its time"));
    let mut late = good();
    late.insert(6, record(7, T + 501, sold(77, 1), &[("general", 0)]));
    late[7..].iter_mut().for_each(|r| r.seq += 1);
    assert_eq!(violation(chain(late)), (7, Unexpired { id: id(6), expires_at_ms: T + 500 }));
    // States of holds.
    assert_eq!(
        of_hold(tampered(3, |r| r.change = held(2, 3, T + 1_000))),
        (3, "its id is used twice")
    );
    assert_eq!(
        of_hold(tampered(5, |r| r.change = Change::Released { id: id(2), items: general(4) })),
        (5, "no longer held")
    );
    assert_eq!(
        of_hold(tampered(5, |r| r.change = Change::Released { id: id(99), items: general(3) })),
        (5, "hold not found")
    );
    assert_eq!(
        of_hold(tampered(5, |r| r.change = Change::Released { id: id(3), items: general(2) })),
        (5, "other items than the hold's")
    );
    let shorter = |r: &mut Record| {
        r.change = Change::Extended { id: id(3), items: general(3), expires_at_ms: T + 999 }
    };
    assert_eq!(of_hold(tampered(4, shorter)), (4, "extension shortens it"));
    let reacquired = |r: &mut Record| {
        r.change =
            Change::Confirmed { id: id(3), items: general(3), payment_ref: None, reacquired: true }
    };
    assert_eq!(of_hold(tampered(5, reacquired)), (5, "acquired again without an expiry"));
    let refund =
        |number, qty| Change::Refunded { id: id(11), reservation: id(number), items: general(qty) };
    assert_eq!(
        of_hold(tampered(11, |r| r.change = refund(2, 5))),
        (11, "more is refunded than is left of it")
    );
    assert_eq!(
        of_hold(tampered(11, |r| r.change = refund(9, 1))),
        (11, "refunded, and was not sold")
    );
    // Limits and windows, as of the moment.
    assert_eq!(tampered(13, |r| r.change = sold(13, 6)).0, 13);
    assert_eq!(
        tampered(12, |r| r.change = event_put(
            11,
            EventSettings { limit_per_customer: Some(3), ..EventSettings::default() }
        )),
        (13, Limit { has: 4, limit: 3 })
    );
    assert_eq!(
        tampered(13, |r| r.change = Change::Sold { id: id(13), items: general(1), customer: None }),
        (13, NoCustomer)
    );
    assert_eq!(tampered(13, |r| r.at_ms = T + 5_000), (13, Closed));
    // Keys.
    let twice = tampered(13, |r| r.key = used("once", T + 200_000));
    assert_eq!(
        twice,
        (13, ViolationKind::KeyTwice { key: key("once"), event: event("default"), seq: 2 })
    );
    let again: Vec<_> = {
        let mut records = good();
        records[12].key = used("once", T + 200_000);
        records[1].key = used("once", T + 560);
        chain(records)
    };
    assert!(
        audit(again, &Limits::default()).unwrap().finish().is_ok(),
        "a key may be used again when its time is over"
    );
    let few = Limits { keys_max: 1, ..Limits::default() };
    let early: Vec<_> = {
        let mut records = good();
        records[12].key = used("once", T + 200_000);
        chain(records)
    };
    let report = audit(early, &few).unwrap().finish().unwrap().report().clone();
    assert_eq!(report.keys_forgotten_early, 1, "where keys may be forgotten early it is counted");
    // Bytes.
    let mut junk = chain(good());
    junk[4].2[40] ^= 1;
    let (seq, broken) = violation(junk);
    assert!(
        matches!((seq, &broken), (5, ViolationKind::NotARecord(_)) | (6, Chain) | (5, _)),
        "{seq}: {broken}"
    );
    let swapped: Vec<_> =
        chain(good()).into_iter().map(|(_, seq, body)| (event("other"), seq, body)).collect();
    assert!(matches!(violation(swapped), (1, ViolationKind::Misplaced { .. })));
}

async fn filled(engine: &Engine, clock: &TestClock) {
    let limited = EventSettings { limit_per_customer: Some(5), ..EventSettings::default() };
    let put_limited = CommandKind::PutEvent {
        event: event("limited"),
        capacities: BTreeMap::from([(stock("general"), 30)]),
        settings: limited,
        if_settings_seq: None,
        only_create: false,
    };
    for kind in [put("default", &[("general", 1_000), ("vip", 5)]), put_limited] {
        engine.submit(Request::new(kind)).await.unwrap().result.unwrap();
    }
    for number in 0..60 {
        clock.set(10_000 + number * 7);
        engine
            .submit(keyed(reserve("default", 1), &format!("k{number}")))
            .await
            .unwrap()
            .result
            .unwrap();
        let reply = engine
            .submit(Request::new(hold("default", 1, 50 + number)))
            .await
            .unwrap()
            .result
            .unwrap();
        let Outcome::Held { id, .. } = reply else { panic!() };
        if number % 3 == 0 {
            engine
                .submit(keyed(
                    CommandKind::Confirm { hold: id, payment_ref: None },
                    &format!("c{number}"),
                ))
                .await
                .unwrap()
                .result
                .unwrap();
        }
        if number % 6 == 0 {
            engine
                .submit(Request::new(CommandKind::Refund { reservation: id, items: None }))
                .await
                .unwrap()
                .result
                .unwrap();
        }
        let who = CommandKind::Reserve {
            event: event("limited"),
            items: items(&[("general", 1)]),
            customer: Some(customer(&format!("c{}", number % 5))),
        };
        let _ = engine.submit(Request::new(who)).await.unwrap();
    }
}

fn options() -> VerifyOptions {
    VerifyOptions { memory_entries: 64, ..VerifyOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_store_and_backup_verify_unchanged() {
    let (data, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let clock = TestClock::at(10_000);
    let store = open(data.path());
    let source = store.ledger_source();
    let engine = start(store, &clock);
    filled(&engine, &clock).await;
    let copy = copies.path().join("backup");
    let manifest = inventory_audit::transfer::backup(&source, &copy, |_| true).unwrap();
    let running = verify_data_dir(data.path(), &options(), |_| {}).await.unwrap_err();
    assert!(running.to_string().contains("in use"), "{running}");
    drop(source);
    engine.stop().await;
    drop(engine);

    let before = fingerprint(data.path());
    let report = verify_data_dir(data.path(), &options(), |_| {}).await.unwrap();
    assert_eq!(fingerprint(data.path()), before, "verifying changed the store");
    assert!(
        report.records == manifest.records && report.events == 2 && report.rows > report.holds,
        "{report:?}"
    );
    let of_backup = verify_backup(&copy, &options(), |_| {}).await.unwrap();
    assert_eq!(
        (of_backup.records, of_backup.sold, of_backup.keyed),
        (report.records, report.sold, report.keyed)
    );

    let altered =
        std::fs::read_to_string(copy.join("ledger.jsonl")).unwrap().replacen("k7\"", "k8\"", 1);
    std::fs::write(copy.join("ledger.jsonl"), altered).unwrap();
    let error = verify_backup(&copy, &options(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("event 'default', seq"), "{error}");
    assert!(
        verify_data_dir(copies.path(), &options(), |_| {})
            .await
            .unwrap_err()
            .to_string()
            .contains("there is no store")
    );
}

/// Every file with its length, time and contents.
fn fingerprint(dir: &Path) -> Vec<(std::path::PathBuf, std::time::SystemTime, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(fingerprint(&path));
        } else if path.is_file() {
            files.push((
                path.clone(),
                path.metadata().unwrap().modified().unwrap(),
                std::fs::read(&path).unwrap(),
            ));
        }
    }
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_a_store_is_compared_with_its_ledger() {
    for table in ["events", "holds", "live", "customers", "keys", "key_order", "meta", "ledger"] {
        let data = tempfile::tempdir().unwrap();
        let clock = TestClock::at(10_000);
        let engine = start(open(data.path()), &clock);
        filled(&engine, &clock).await;
        engine.stop().await;
        drop(engine);
        remove_a_row(data.path(), table);
        let error = verify_data_dir(data.path(), &options(), |_| {}).await.unwrap_err();
        assert!(matches!(error, VerifyError::Violation(_)), "{table}: {error}");
        let text = error.to_string();
        let expected = if table == "meta" { "key_order" } else { table };
        assert!(
            text.contains(expected) || table == "ledger" && told.contains("seq"),
            "{table}: {text}"
        );
    }
}

/// Damages a store behind its back: removes the last row of a table.
fn remove_a_row(dir: &Path, table: &str) {
    let db = fjall::Database::builder(dir.join("db/tables")).open().unwrap();
    let rows = db.keyspace(table, fjall::KeyspaceCreateOptions::default).unwrap();
    let last = rows.iter().next_back().unwrap().key().unwrap();
    rows.remove(last).unwrap();
    db.persist(fjall::PersistMode::SyncAll).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn store_without_its_newest_records_fails_verification() {
    let data = tempfile::tempdir().unwrap();
    let clock = TestClock::at(10_000);
    let engine = start(open(data.path()), &clock);
    filled(&engine, &clock).await;
    engine.stop().await;
    drop(engine);
    let watermark = data.path().join("db/WATERMARK");
    let count: u64 =
        EmbeddedStore::open(data.path(), &inventory_embedded::EmbeddedOptions::default())
            .unwrap()
            .views()
            .iter()
            .map(|view| view.event.seq)
            .sum();
    let more = count + 3;
    let bytes = [more.to_be_bytes(), (more ^ 0x7761_7465_726d_6172).to_be_bytes()].concat();
    std::fs::write(watermark, bytes).unwrap();
    let error = verify_data_dir(data.path(), &options(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("WATERMARK"), "{error}");
}
