//! Random histories against the model, on each store.

use std::collections::BTreeMap;

use inventory::{
    CommandKind, Hash, HoldId, HoldState, Limits, PaymentRef, RefusalKind,
    domain::{LookupKey, Pass},
    ledger::Record,
};
use inventory_store::{
    Durability, EventView, MemoryStore, OwnedStore, Store, run_batch, testing::conformance::Kit,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::{
    conformance::{Embedded, Memory, Shared},
    model::{
        Model,
        history::{Batches, Move, history, limits},
        queue_history::queue_history,
    },
    support::customer,
};

/// Runs `moves` on a store and on the model, comparing every answer and, after every batch, every
/// count.
async fn run(mut kit: impl Kit, moves: &[Move]) {
    let mut store = kit.open().await;
    let (limits, mut model, mut batches) = (limits(moves), Model::default(), Batches::of(moves));
    while let Some(at) = batches.place() {
        let batch = batches.take(&model);
        let now_ms = batches.now_ms;
        let expected = model.decide_batch(&limits, &batch, now_ms);
        let batch: Vec<_> = batch
            .into_iter()
            .map(|(command, key)| {
                let key = key.map(|key| command.kind.scoped(&key));
                (command, key)
            })
            .collect();
        let commands = batch.iter().map(|(command, key)| (command, key.as_ref()));
        let done =
            run_batch(&mut store, &limits, commands, Vec::new(), now_ms, Durability::Buffered)
                .await
                .unwrap();
        for ((reply, (answer, seq)), (command, _)) in
            done.replies.into_iter().zip(expected).zip(&batch)
        {
            assert_eq!(reply.result.clone().map_err(|refusal| refusal.kind), answer, "{command:?}");
            assert_eq!(reply.seq, seq, "{command:?}");
        }
        check_counts(&kit.views(&store).await, &model);
        if at % 7 == 0 {
            drop(store);
            store = kit.open().await;
            check_counts(&kit.views(&store).await, &model);
        }
    }
    let views = kit.views(&store).await;
    check_ledger(&store, &views, &model, &batches.asked, &limits).await;
    check_lookups(&store, &model).await;
    check_places(&store, &model).await;
}

/// Every place has its number and its pass.
async fn check_places<S: Store>(store: &S, model: &Model) {
    let reader = store.reader();
    for (name, queue) in
        model.events.iter().filter_map(|(name, event)| Some((name, event.queue.as_ref()?)))
    {
        for (place, index) in queue.places.iter().zip(0..) {
            let found = reader.place(name, &place.leaf).await.unwrap().unwrap();
            let pass = place.pass.as_ref().map(|pass| Pass {
                id: pass.id,
                claimed_at_ms: pass.claimed_at_ms,
                expires_at_ms: pass.expires_at_ms,
                spent_on: pass.used.map(|(id, _)| id),
            });
            assert_eq!((found.index, found.pass), (index, pass));
        }
    }
}

fn check_counts(views: &[EventView], model: &Model) {
    assert_eq!(views.len(), model.events().count());
    for (view, (name, capacities, seq)) in views.iter().zip(model.events()) {
        let expected = &model.events[name];
        match (&expected.queue, &view.event.queue) {
            (Some(room), Some(found)) => room.check(found, expected.at_ms),
            (expected, found) => assert_eq!((expected.is_none(), found), (true, &None), "{name}"),
        }
        assert_eq!((&view.event.name, view.event.seq), (name, seq));
        assert_eq!(view.event.stocks.len(), capacities.len());
        for (stock, counts) in &view.event.stocks {
            assert_eq!(
                (counts.available(), counts.held, counts.sold),
                model.counts(name, stock),
                "{name} {stock}"
            );
            assert_eq!(counts.capacity, capacities[stock]);
        }
    }
}

/// The ledger is whole: no gap, chained, and applying it again gives the same state.
async fn check_ledger<S: Store>(
    store: &S,
    views: &[EventView],
    model: &Model,
    holds: &[HoldId],
    limits: &Limits,
) {
    let reader = store.reader();
    let mut again = inventory_store::Replayer::new(MemoryStore::default());
    let mut audited = Vec::new();
    for (name, _, seq) in model.events() {
        let records = reader.records(name, 0, 1_000_000).await.unwrap();
        assert_eq!(records.len() as u64, seq);
        let mut prev = Hash::ZERO;
        for (expected, stored) in (1..).zip(&records) {
            let record = Record::from_body(&stored.body).unwrap();
            assert_eq!((record.seq, record.prev), (expected, prev));
            prev = Hash::of(&stored.body);
            again.push(&stored.body).await.unwrap();
            audited.push((name.clone(), expected, stored.body.clone()));
        }
    }
    let ledgers = crate::verify::audit(audited, limits)
        .and_then(inventory_audit::verify::Auditor::finish)
        .unwrap();
    for (event, (_, capacities, _)) in ledgers.events().zip(model.events()) {
        for stock in capacities.keys() {
            let counts = event.counts(stock).unwrap();
            assert_eq!(
                (counts.available().unwrap(), counts.held, counts.sold),
                model.counts(event.name(), stock)
            );
        }
    }
    let (again, _) = again.finish().await.unwrap();
    assert_eq!(again.views(), views);
    for id in holds {
        let stored = reader.hold(*id).await.unwrap();
        assert_eq!(stored.as_ref().map(|hold| hold.state), model.state_of(*id));
        assert_eq!(stored.as_ref().map(|hold| hold.terms.clone()), model.terms_of(*id));
        assert_eq!(stored, again.reader().hold(*id).await.unwrap());
        assert!(
            stored.is_none_or(|hold| hold.live.is_empty() || hold.state == HoldState::Confirmed)
        );
    }
}

/// Every customer and every payment finds the holds that the model gives it, the newest first.
async fn check_lookups<S: Store>(store: &S, model: &Model) {
    let reader = store.reader();
    let customers = (0..3).map(|number| customer(&format!("c{number}")));
    let payments = (0..3).map(|number| PaymentRef::new(&format!("p{number}")).unwrap());
    for (who, payment) in customers.zip(payments) {
        for key in [LookupKey::Customer(&who), LookupKey::PaymentRef(&payment)] {
            let (mut found, mut before) = (Vec::new(), None);
            while let Some(last) = reader.lookup(key, before, 2).await.unwrap().last() {
                found.extend(reader.lookup(key, before, 2).await.unwrap());
                before = Some(last.id);
            }
            let found: Vec<_> = found.iter().map(|hold| (hold.id, hold.state)).collect();
            assert_eq!(found, model.lookup(key), "{key:?}");
        }
    }
}

fn block_on(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_matches_the_model(moves in history(120)) {
        block_on(async { run(Memory::new().await, &moves).await });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn embedded_store_conforms_and_survives_reopening(moves in history(100)) {
        block_on(async { run(Embedded::new().await, &moves).await });
    }

    #[test]
    fn postgres_store_conforms_on_new_connections(moves in history(100)) {
        block_on(async { run(Shared::new().await, &moves).await });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_of_a_waiting_room_matches_the_model(moves in queue_history(160)) {
        block_on(async { run(Memory::new().await, &moves).await });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn embedded_store_keeps_waiting_rooms(moves in queue_history(120)) {
        block_on(async { run(Embedded::new().await, &moves).await });
    }

    #[test]
    fn postgres_store_keeps_waiting_rooms(moves in queue_history(120)) {
        block_on(async { run(Shared::new().await, &moves).await });
    }
}

/// How often each answer and each rare state of a hold occurs in 300 histories, always the same.
fn census() -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::<String, usize>::new();
    let mut count = |what: String, times| *counts.entry(what).or_default() += times;
    let mut runner = TestRunner::deterministic();
    for _ in 0..300 {
        let moves = history(120).new_tree(&mut runner).unwrap().current();
        let (limits, mut model, mut batches) =
            (limits(&moves), Model::default(), Batches::of(&moves));
        while batches.place().is_some() {
            let batch = batches.take(&model);
            let answers = model.decide_batch(&limits, &batch, batches.now_ms);
            for ((command, _), (answer, _)) in batch.iter().zip(answers) {
                let text = answer.map_or_else(|kind| format!("{kind:?}"), |ok| format!("{ok:?}"));
                let name = text.split([' ', '(']).next().unwrap().to_owned();
                if name == "SellerOnly" && matches!(command.kind, CommandKind::Confirm { .. }) {
                    count("SellerOnly of a confirmation".to_owned(), 1);
                }
                count(name, 1);
            }
        }
        for hold in &model.holds {
            let (due, state) = (hold.refunds_due.len(), hold.state);
            let started = hold.payment_started.is_some();
            for (what, is_so) in [
                ("hold with a total", hold.total.is_some()),
                ("hold of which two refunds are due", due > 1),
                ("sold although a refund is due", due > 0 && state == HoldState::Confirmed),
                ("expired although its payment started", started && state == HoldState::Expired),
                ("sold after its payment started", started && state == HoldState::Confirmed),
                ("released after its payment started", started && state == HoldState::Released),
            ] {
                count(what.to_owned(), usize::from(is_so));
            }
            count("recorded refund due".to_owned(), due);
        }
    }
    counts
}

#[test]
fn histories_contain_every_rule_about_money() {
    let counts = census();
    for (what, at_least) in [
        ("RefundDue", 60),
        ("recorded refund due", 30),
        ("hold of which two refunds are due", 5),
        ("sold although a refund is due", 2),
        ("HoldExpiredSoldOut", 15),
        ("PaymentStarted", 40),
        ("expired although its payment started", 2),
        ("sold after its payment started", 20),
        ("released after its payment started", 2),
        ("PaidOtherwise", 300),
        ("AmountMismatch", 30),
        ("MixedCurrencies", 30),
        ("SellerOnly", 50),
        ("SellerOnly of a confirmation", 20),
        ("hold with a total", 300),
    ] {
        let found = counts.get(what).copied().unwrap_or(0);
        assert!(found >= at_least, "{what}: {found}, not {at_least}; {counts:#?}");
    }
}

/// How often each answer about waiting rooms, and each thing that happens to them, occurs in 200
/// histories, always the same.
fn queue_census() -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::<String, usize>::new();
    let mut count = |what: &str| *counts.entry(what.to_owned()).or_default() += 1;
    let mut runner = TestRunner::deterministic();
    for _ in 0..200 {
        let moves = queue_history(160).new_tree(&mut runner).unwrap().current();
        let (limits, mut model, mut batches) =
            (limits(&moves), Model::default(), Batches::of(&moves));
        while batches.place().is_some() {
            let batch = batches.take(&model);
            let answers = model.decide_batch(&limits, &batch, batches.now_ms);
            for ((command, _), (answer, _)) in batch.iter().zip(answers) {
                let kind = serde_json::to_value(&command.kind).unwrap()["op"].clone();
                let text = match answer {
                    Ok(_) => "ok".to_owned(),
                    Err(RefusalKind::NotCalled { lapsed: true }) => "Lapsed".to_owned(),
                    Err(RefusalKind::QueueClosed { opens_at_ms: Some(_) }) => "Early".to_owned(),
                    Err(refusal) => format!("{refusal:?}"),
                };
                let text = text.split([' ', '(']).next().unwrap();
                count(&format!("{}: {text}", kind.as_str().unwrap()));
            }
            let queues = model.events.values_mut().filter_map(|event| event.queue.as_mut());
            queues.flat_map(|queue| queue.seen.drain(..)).for_each(&mut count);
        }
    }
    counts
}

#[test]
fn histories_contain_every_rule_of_waiting_rooms() {
    let counts = queue_census();
    for (what, at_least) in [
        ("join_queue: ok", 800),
        ("join_queue: Early", 30),
        ("join_queue: QueueClosed", 20),
        ("join_queue: QueueFull", 30),
        ("join_queue: QueueNotFound", 100),
        ("joined in part", 150),
        ("freeze", 50),
        ("empty freeze", 20),
        ("commitment again", 4),
        ("put_event: DrawNotCommitted", 5),
        ("put_event: QueueInUse", 100),
        ("witnessed draw", 15),
        ("unwitnessed draw", 35),
        ("reveal_draw: DrawNotCommitted", 5),
        ("reveal_draw: QueueMoved", 100),
        ("call_places: ok", 200),
        ("shared call", 35),
        ("call_places: QueueMoved", 300),
        ("pause_queue: ok", 100),
        ("pass in its turn", 100),
        ("pass after its turn", 80),
        ("claim_pass: NotCalled", 300),
        ("claim_pass: Lapsed", 30),
        ("claim_pass: PlaceNotFound", 100),
        ("claim_pass: SaleClosed", 30),
        ("used pass", 50),
        ("hold: PassRequired", 200),
        ("hold: PassSpent", 80),
        ("reserve: PassRequired", 200),
        ("reserve: PassSpent", 80),
    ] {
        let found = counts.get(what).copied().unwrap_or(0);
        assert!(found >= at_least, "{what}: {found}, not {at_least}; {counts:#?}");
    }
}
