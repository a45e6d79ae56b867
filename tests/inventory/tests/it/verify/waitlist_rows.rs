//! Stored rows of waiting lists are compared with their ledgers.

use std::path::Path;

use inventory::HoldId;
use inventory_audit::verify::{VerifyOptions, verify_data_dir, verify_database};
use inventory_embedded::rows::{event_prefix, waiting_key};
use inventory_engine::Request;
use test_postgres::Server;

use crate::{
    queue::host::{Embedded, Host, Shared},
    support::event,
    waitlist::{
        desk::{Desk, general, wait},
        story::{KEPT, Story},
    },
};

/// A list in which two tickets are kept for the first of several entries, whose store is closed.
async fn kept<H: Host>() -> Desk<H> {
    let mut desk = Desk::<H>::open().await;
    Story::default().play(&desk, 0..KEPT).await;
    desk.engine().submit(Request::new(wait(&general(1), Some("z")))).await.unwrap();
    desk.stop().await;
    desk
}

type Rows = fjall::Keyspace;
type Alter = Box<dyn FnOnce(&Rows)>;

/// Changes a table behind the back of its store.
fn alter(dir: &Path, table: &str, change: impl FnOnce(&Rows)) {
    let db = fjall::Database::builder(dir.join("db/tables")).open().unwrap();
    let rows = db.keyspace(table, fjall::KeyspaceCreateOptions::default).unwrap();
    change(&rows);
    db.persist(fjall::PersistMode::SyncAll).unwrap();
}

fn first(rows: &Rows) -> Vec<u8> {
    rows.prefix(event_prefix(&event("default"))).next().unwrap().key().unwrap().to_vec()
}

async fn found(dir: &Path) -> Option<String> {
    let verified = verify_data_dir(dir, &VerifyOptions::default(), |_| {}).await;
    verified.err().map(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_or_extra_row_of_a_waiting_list_is_found() {
    let unknown = HoldId::new(1, [1; 10]);
    let extra = |event: &str, number| {
        let key = waiting_key(&crate::support::event(event), number, unknown);
        move |rows: &Rows| rows.insert(key, []).unwrap()
    };
    let moved = |rows: &Rows| {
        let key = first(rows);
        let (number, id) = inventory_embedded::rows::parse_waiting_key(&key).unwrap();
        rows.remove(key).unwrap();
        rows.insert(waiting_key(&event("default"), number + 1_000, id), []).unwrap();
    };
    let cases: [(Alter, &str); 6] = [
        (Box::new(|rows| rows.remove(first(rows)).unwrap()), "rows follow from the ledgers"),
        (Box::new(moved), "does not wait at this place"),
        (Box::new(extra("default", 3)), "does not wait at this place"),
        (Box::new(extra("default", 1_000)), "does not wait at this place"),
        (Box::new(extra("other", 0)), "does not wait at this place"),
        (Box::new(|rows| rows.insert("short", []).unwrap()), "not a valid row"),
    ];
    let desk = kept::<Embedded>().await;
    assert_eq!(found(desk.host.0.path()).await, None);
    for (change, expected) in cases {
        let copy = tempfile::tempdir().unwrap();
        let dir = copy.path().join("data");
        crate::support::copy_dir(desk.host.0.path(), &dir);
        alter(&dir, "waiting", change);
        let error = found(&dir).await.unwrap();
        assert!(error.contains("table waiting") || error.starts_with("waiting"), "{error}");
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_entry_or_count_of_a_waiting_list_is_found() {
    use inventory_embedded::rows::{decode_hold, encode_hold};
    let desk = kept::<Embedded>().await;
    let entry = |change: fn(&mut inventory::Hold)| {
        move |rows: &Rows| {
            let mut waiting = rows.iter().map(|row| decode_hold(&row.value().unwrap()).unwrap());
            let mut hold = waiting.find(|hold| hold.waiting.is_some()).unwrap();
            change(&mut hold);
            rows.insert(hold.id.as_bytes(), encode_hold(&hold).unwrap()).unwrap();
        }
    };
    let count = |from: &'static str, to: &'static str| {
        move |rows: &Rows| {
            let row = String::from_utf8(rows.get("default").unwrap().unwrap().to_vec()).unwrap();
            assert!(row.contains(from), "{row}");
            rows.insert("default", row.replace(from, to)).unwrap();
        }
    };
    let cases: [(&str, Alter); 5] = [
        ("holds", Box::new(entry(|hold| hold.waiting.as_mut().unwrap().number += 1))),
        ("holds", Box::new(entry(|hold| hold.waiting.as_mut().unwrap().passed_over += 1))),
        ("holds", Box::new(entry(|hold| hold.waiting = None))),
        ("events", Box::new(count("\"joined\":15", "\"joined\":16"))),
        ("events", Box::new(count("\"waiting\":4", "\"waiting\":3"))),
    ];
    for (table, change) in cases {
        let copy = tempfile::tempdir().unwrap();
        let dir = copy.path().join("data");
        crate::support::copy_dir(desk.host.0.path(), &dir);
        alter(&dir, table, change);
        let error = found(&dir).await.unwrap();
        assert!(error.contains(&format!("table {table}")), "{table}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn altered_column_of_a_waiting_list_is_found() {
    let desk = kept::<Shared>().await;
    let options = &desk.host.0.options;
    let schema = options.schema.clone();
    let run = async |sql: String| Server::common().run("postgres", &sql).await;
    let verify = async || {
        let verified = verify_database(options, &VerifyOptions::default(), |_| {}).await;
        verified.err().map(|error| error.to_string())
    };
    assert_eq!(verify().await, None);
    let set = |path: &str, to: &str| format!("waiting = jsonb_set(waiting, '{{{path}}}', '{to}')");
    let cases = [
        ("holds", "waiting IS NOT NULL", "waiting = NULL".to_owned()),
        ("holds", "waiting IS NOT NULL", set("number", "77")),
        ("holds", "waiting IS NOT NULL", set("passed_over", "9")),
        ("holds", "(waiting->>'passed_over')::int > 0", set("collected", "[]")),
        (
            "holds",
            "state = 'confirmed'",
            "waiting = (SELECT waiting FROM {schema}.holds WHERE waiting IS NOT NULL LIMIT 1)"
                .replace("{schema}", &schema),
        ),
        ("events", "true", "waitlist = NULL".to_owned()),
        ("events", "true", "waitlist = jsonb_set(waitlist, '{waiting}', '5')".to_owned()),
    ];
    for (table, which, change) in cases {
        run(format!("DROP TABLE IF EXISTS {schema}_kept; CREATE TABLE {schema}_kept AS TABLE {schema}.{table}")).await;
        run(format!("UPDATE {schema}.{table} SET {change} WHERE {which}")).await;
        let error = verify().await.unwrap_or_default();
        assert!(error.contains(&format!("table {table}")), "{change}: {error}");
        let (key, column) = if table == "holds" { ("id", "waiting") } else { ("name", "waitlist") };
        run(format!("UPDATE {schema}.{table} t SET {column} = k.{column} FROM {schema}_kept k WHERE k.{key} = t.{key}")).await;
        assert_eq!(verify().await, None);
    }
    run(format!("DROP TABLE {schema}_kept")).await;
}
