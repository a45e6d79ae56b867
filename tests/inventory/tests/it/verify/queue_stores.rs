//! Rows of waiting rooms that do not follow from their ledger.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use inventory::domain::Event;
use inventory_audit::{
    transfer::backup,
    verify::{VerifyError, VerifyOptions, verify_backup, verify_data_dir, verify_database},
};
use inventory_embedded::rows::place_key;
use test_postgres::Server;

use crate::{
    queue::{
        commands::leaf,
        host::{Embedded, Host, Shared},
        room::Room,
        story::{STEPS, Story, Summary},
    },
    support::{copy_dir, event, open},
};

/// Spills to disk soon.
fn options() -> VerifyOptions {
    VerifyOptions { memory_entries: 4, ..VerifyOptions::default() }
}

async fn played<H: Host>() -> Room<H> {
    let mut room = Room::<H>::open().await;
    Story::default().play(&room, 0..STEPS).await;
    Summary::of(&room).await;
    room.stop().await;
    room
}

fn found(error: &VerifyError, table: &str) -> bool {
    matches!(error, VerifyError::Violation(_)) && error.to_string().contains(table)
}

#[tokio::test]
async fn honest_sale_passes_in_a_directory_and_a_backup() {
    let room = played::<Embedded>().await;
    let dir = room.host.0.path();
    let report = verify_data_dir(dir, &options(), |_| {}).await.unwrap();
    assert_eq!((report.records, report.places, report.holds, report.sold), (20, 8, 4, 4));
    let copy = tempfile::tempdir().unwrap();
    let copy = copy.path().join("copy");
    backup(&open(dir).ledger_source(), &copy, |_| true).unwrap();
    let of_backup = verify_backup(&copy, &options(), |_| {}).await.unwrap();
    assert_eq!((of_backup.records, of_backup.places, of_backup.sold), (20, 8, 4));
    // One letter of a place is another.
    let path = copy.join("ledger.jsonl");
    let ledger = std::fs::read_to_string(&path).unwrap();
    let text = leaf(1, "p4").to_string();
    let other = if text.starts_with('A') { "B" } else { "A" };
    std::fs::write(&path, ledger.replacen(&text, &format!("{other}{}", &text[1..]), 1)).unwrap();
    let error = verify_backup(&copy, &options(), |_| {}).await.unwrap_err();
    assert!(error.to_string().contains("seq 5: the hash chain"), "{error}");
}

/// What is changed, and how.
type Changed<F> = (&'static str, F);
type ChangeRows<'a> = &'a dyn Fn(&Keyspace);

/// A copy of the store in `dir`, changed behind its back.
async fn changed(dir: &Path, table: &str, change: impl FnOnce(&Keyspace)) -> VerifyError {
    let copy = tempfile::tempdir().unwrap();
    let copy = copy.path().join("copy");
    copy_dir(dir, &copy);
    let db = Database::builder(copy.join("db/tables")).open().unwrap();
    let rows = db.keyspace(table, KeyspaceCreateOptions::default).unwrap();
    change(&rows);
    db.persist(PersistMode::SyncAll).unwrap();
    drop((rows, db));
    verify_data_dir(&copy, &options(), |_| {}).await.unwrap_err()
}

#[tokio::test]
async fn rows_of_places_are_compared_with_the_ledger() {
    let room = played::<Embedded>().await;
    let key = |name: &str| place_key(&event("default"), &leaf(1, name));
    let row = |rows: &Keyspace, name: &str| rows.get(key(name)).unwrap().unwrap();
    let changes: [Changed<ChangeRows<'_>>; 5] = [
        ("one is missing", &|rows| rows.remove(key("p3")).unwrap()),
        ("one is of nobody", &|rows| rows.insert(key("p9"), row(rows, "p3")).unwrap()),
        ("it has another number", &|rows| rows.insert(key("p3"), row(rows, "p7")).unwrap()),
        ("its key is cut", &|rows| rows.insert(&key("p3")[1..40], row(rows, "p3")).unwrap()),
        ("it is no place", &|rows| rows.insert(key("p3"), [0xff]).unwrap()),
    ];
    for (what, change) in changes {
        let error = changed(room.host.0.path(), "places", change).await;
        assert!(found(&error, "places"), "{what}: {error}");
    }
}

#[tokio::test]
async fn row_of_an_event_is_compared_with_its_waiting_room() {
    let room = played::<Embedded>().await;
    let changes: [Changed<fn(&mut inventory::Queue)>; 9] = [
        ("id", |queue| queue.id += 1),
        ("joined", |queue| queue.joined -= 1),
        ("called", |queue| queue.called.serving -= 1),
        ("claimed", |queue| queue.called.claimed -= 1),
        ("lapsed", |queue| queue.lapsed.serving += 1),
        ("calls", |queue| queue.calls.clear()),
        ("passes", |queue| queue.passes.spent -= 1),
        ("paused", |queue| queue.paused = true),
        ("draw", |queue| queue.draw.as_mut().unwrap().revealed = None),
    ];
    for (what, change) in changes {
        let error = changed(room.host.0.path(), "events", |rows| {
            let row = rows.get("default").unwrap().unwrap();
            let mut stored: Event = serde_json::from_slice(&row).unwrap();
            change(stored.queue.as_mut().unwrap());
            rows.insert("default", serde_json::to_vec(&stored).unwrap()).unwrap();
        })
        .await;
        assert!(found(&error, "events"), "{what}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_database_are_compared_with_the_ledger() {
    let room = played::<Shared>().await;
    let options = &room.host.0.options;
    let report = verify_database(options, &VerifyOptions::default(), |_| {}).await.unwrap();
    assert_eq!((report.records, report.places, report.sold), (20, 8, 4));
    let schema = &options.schema;
    let undo = [
        format!("CREATE TABLE {schema}.kept AS SELECT * FROM {schema}.places"),
        format!("CREATE TABLE {schema}.room AS SELECT name, queue FROM {schema}.events"),
    ];
    for sql in undo {
        Server::common().run("postgres", &sql).await;
    }
    for (table, change) in [
        ("places", "DELETE FROM places WHERE index = 3"),
        ("places", "INSERT INTO places (event, leaf, index) VALUES ('default', sha256('x'), 8)"),
        ("places", "UPDATE places SET index = 9 WHERE index = 3"),
        ("places", "UPDATE places SET leaf = sha256('x') WHERE index = 3"),
        ("places", "UPDATE places SET event = 'other' WHERE index = 3"),
        ("places", "UPDATE places SET pass = gen_random_uuid() WHERE index = 6"),
        ("places", "UPDATE places SET claimed_at_ms = claimed_at_ms + 1 WHERE index = 6"),
        ("places", "UPDATE places SET expires_at_ms = expires_at_ms + 1 WHERE index = 6"),
        ("places", "UPDATE places SET spent_on = NULL WHERE index = 6"),
        ("places", "UPDATE places SET pass = NULL WHERE index = 6"),
        ("places", "UPDATE places SET leaf = 'x' WHERE index = 3"),
        ("events", "UPDATE events SET queue = NULL"),
        ("events", "UPDATE events SET queue = jsonb_set(queue, '{joined}', '7')"),
        ("events", "UPDATE events SET queue = queue - 'draw'"),
        ("events", "UPDATE events SET queue = queue || '{\"paused\": true}'"),
    ] {
        let change = format!("SET search_path = {schema}; {change}; SET search_path = public");
        Server::common().run("postgres", &change).await;
        let error = verify_database(options, &VerifyOptions::default(), |_| {}).await.unwrap_err();
        assert!(found(&error, table), "{change}: {error}");
        let undo = format!(
            "TRUNCATE {schema}.places; INSERT INTO {schema}.places SELECT * FROM {schema}.kept; \
             UPDATE {schema}.events e SET queue = r.queue FROM {schema}.room r WHERE r.name = e.name"
        );
        Server::common().run("postgres", &undo).await;
    }
    verify_database(options, &VerifyOptions::default(), |_| {}).await.unwrap();
}
