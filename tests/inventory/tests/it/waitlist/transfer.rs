//! Backups, restores and migrations of a sale in which an entry waits with tickets that are kept
//! for it, and an offer is open: the list goes on where it was.

use inventory_audit::{
    transfer::{LedgerFrom, RetryPolicy, backup, migrate, restore},
    verify::{VerifyOptions, verify_backup, verify_data_dir, verify_database},
};
use inventory_embedded::{DataDir, EmbeddedOptions, StagedRestore};
use inventory_store::{OwnedStore, SharedReader};

use super::{
    desk::Desk,
    story::{KEPT, OFFERED, STEPS, Story, Summary},
};
use crate::{
    queue::host::{Embedded, Shared},
    support::open,
};

/// The steps at which the sale moves: two tickets are kept, and an offer is open.
const MOVES: [usize; 3] = [KEPT - 1, KEPT, OFFERED];

async fn played(steps: usize) -> (Desk<Embedded>, Story) {
    let mut desk = Desk::<Embedded>::open().await;
    let mut story = Story::default();
    story.play(&desk, 0..steps).await;
    desk.stop().await;
    (desk, story)
}

fn restore_into(dir: &std::path::Path, from: &std::path::Path) {
    let data = DataDir::lock(dir.to_owned()).unwrap();
    let staged = StagedRestore::beside(data.path()).unwrap();
    restore(from, &staged, &EmbeddedOptions::default(), |_| true).unwrap();
    staged.accept().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn restored_list_goes_on() {
    for steps in MOVES {
        let (mut desk, mut story) = played(steps).await;
        let (copies, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let copy = copies.path().join("copy");
        let store = open(desk.host.0.path());
        let expected = store.views();
        backup(&store.ledger_source(), &copy, |_| true).unwrap();
        drop(store);
        let options = VerifyOptions::default();
        let report = verify_backup(&copy, &options, |_| {}).await.unwrap();
        restore_into(data.path(), &copy);
        let restored = open(data.path());
        assert_eq!(restored.views(), expected);
        drop(restored);
        let of_copy = verify_data_dir(data.path(), &options, |_| {}).await.unwrap();
        assert_eq!((of_copy.records, of_copy.holds), (report.records, report.holds));
        desk.host = Embedded(data);
        goes_on(desk, &mut story, steps).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn migrated_list_goes_on() {
    for steps in MOVES {
        let (from, mut story) = played(steps).await;
        let mut desk = Desk::<Shared>::open().await;
        desk.stop().await;
        let store = open(from.host.0.path());
        let (expected, source) = (store.views(), LedgerFrom::Store(store.ledger_source()));
        let database = &desk.host.0;
        migrate(&source, &database.postgres, &RetryPolicy::default(), |_| {}).await.unwrap();
        assert_eq!(database.postgres.reader().events(None, 10).await.unwrap(), expected);
        verify_database(&database.options, &VerifyOptions::default(), |_| {}).await.unwrap();
        goes_on(desk, &mut story, steps).await;
    }
}

/// The sale goes on as if it had not moved.
async fn goes_on(mut desk: Desk<impl crate::queue::host::Host>, story: &mut Story, from: usize) {
    // Ids differ from those of the engine before.
    desk.start().await;
    desk.restart().await;
    story.play(&desk, from..STEPS).await;
    assert_eq!(Summary::of(&desk, story).await, Summary::expected().await, "moved at {from}");
    desk.close().await;
}
