//! A sale that moves to another store, and goes on there.

use std::path::Path;

use inventory_audit::transfer::{LedgerFrom, RetryPolicy, backup, migrate, restore};
use inventory_embedded::{DataDir, EmbeddedOptions, StagedRestore};
use inventory_store::{
    EventView, MemoryStore, OwnedStore, Replayer, SharedReader, Store, StoredRecord,
};

use super::{
    commands::leaves,
    host::{Embedded, Host, Memory, Shared},
    room::Room,
    story::{FROZEN, REVEALED, STEPS, Story, Summary},
};
use crate::support::{event, open};

/// The steps before which a sale moves: before the freeze of its draw, between freeze and reveal,
/// between reveal and the first call, while holds and passes are in use, and when all is sold.
const MOMENTS: [usize; 6] = [2, FROZEN, REVEALED, 9, 14, STEPS];

/// A sale that has come so far and stands still, and its event.
async fn stopped(steps: usize) -> (Room<Embedded>, Story, EventView) {
    let mut room = Room::<Embedded>::open().await;
    let mut story = Story::default();
    story.play(&room, 0..steps).await;
    room.stop().await;
    let view = open(room.host.0.path()).views().remove(0);
    (room, story, view)
}

/// The sale goes on from step `steps` on its new store, whose event is `found`, and ends as any
/// other.
async fn goes_on(
    room: Room<impl Host>,
    mut story: Story,
    steps: usize,
    (expected, found): (EventView, EventView),
) {
    assert_eq!(found, expected, "step {steps}");
    for leaf in leaves(1, 0..3) {
        assert!(room.place(&leaf).await.is_some());
    }
    story.play(&room, steps..STEPS).await;
    assert_eq!(Summary::of(&room).await, Summary::expected().await, "step {steps}");
    room.close().await;
}

fn restore_into(dir: &Path, from: &Path) {
    let data = DataDir::lock(dir.to_owned()).unwrap();
    let staged = StagedRestore::beside(data.path()).unwrap();
    restore(from, &staged, &EmbeddedOptions::default(), |_| true).unwrap();
    staged.accept().unwrap();
}

#[tokio::test]
async fn restored_sale_goes_on() {
    for steps in MOMENTS {
        let (room, story, view) = stopped(steps).await;
        let copies = tempfile::tempdir().unwrap();
        let copy = copies.path().join("copy");
        backup(&open(room.host.0.path()).ledger_source(), &copy, |_| true).unwrap();
        let other = Embedded::new().await;
        restore_into(other.0.path(), &copy);
        let found = open(other.0.path()).views().remove(0);
        goes_on(room.moved_to(other).await, story, steps, (view, found)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sale_that_moves_to_a_database_goes_on() {
    for (number, steps) in MOMENTS.into_iter().enumerate() {
        let (room, story, view) = stopped(steps).await;
        let copies = tempfile::tempdir().unwrap();
        let source = open(room.host.0.path()).ledger_source();
        let from = if number % 2 == 0 {
            LedgerFrom::Store(source)
        } else {
            let copy = copies.path().join("copy");
            backup(&source, &copy, |_| true).unwrap();
            LedgerFrom::Backup(copy)
        };
        let other = Shared::new().await;
        let postgres = &other.0.postgres;
        migrate(&from, postgres, &RetryPolicy::default(), |_| {}).await.unwrap();
        let found = postgres.reader().events(None, 10).await.unwrap().remove(0);
        drop(from);
        goes_on(room.moved_to(other).await, story, steps, (view, found)).await;
    }
}

/// Every record of a whole sale, and the store that has it.
async fn whole() -> (Vec<StoredRecord>, MemoryStore) {
    let room = Room::<Memory>::open().await;
    Story::default().play(&room, 0..STEPS).await;
    let store = room.host.0.clone();
    (store.reader().records(&event("default"), 0, 100).await.unwrap(), store)
}

#[tokio::test]
async fn interrupted_replay_goes_on_anywhere() {
    let (records, expected) = whole().await;
    let views = OwnedStore::views(&expected);
    for cut in 0..=records.len() {
        let mut store = MemoryStore::default();
        for part in [&records[..cut], &records[cut..]] {
            let mut replayer = Replayer::new(store);
            for record in part {
                replayer.push(&record.body).await.unwrap();
            }
            (store, _) = replayer.finish().await.unwrap();
        }
        assert_eq!(OwnedStore::views(&store), views, "cut after {cut}");
    }
    // Into a database, where each record is a transaction.
    let database = Shared::new().await;
    for record in &records {
        let mut replayer = Replayer::new(database.0.postgres.writer());
        replayer.push(&record.body).await.unwrap();
        replayer.finish().await.unwrap();
    }
    assert_eq!(database.0.postgres.reader().events(None, 10).await.unwrap(), views);
    database.verify().await;
}
