//! Random histories against the model, on each store.

use std::collections::BTreeMap;

use inventory::{
    Command, CommandKind, EventName, EventSettings, Hash, HoldId, HoldState, IdempotencyKey,
    Limits, PaymentRef, ledger::Record,
};
use inventory_store::{
    Durability, EventView, MemoryStore, OwnedStore, Store, run_batch, testing::conformance::Kit,
};
use proptest::prelude::*;

use crate::{
    conformance::{Embedded, Memory, Shared},
    model::Model,
    support::{customer, event, items, key, stock},
};

/// One step of a history. Numbers select from the items that exist at that point.
#[derive(Debug, Clone)]
enum Step {
    Put {
        event: u8,
        general: u64,
        vip: Option<u64>,
        limit: Option<u64>,
        window: (Option<u64>, Option<u64>),
        if_version: Option<u64>,
    },
    Delete {
        event: u8,
        if_version: Option<u64>,
    },
    Reserve {
        event: u8,
        general: u64,
        vip: u64,
        customer: Option<u8>,
    },
    Hold {
        event: u8,
        general: u64,
        vip: u64,
        customer: Option<u8>,
        ttl_ms: Option<u64>,
    },
    Extend {
        hold: usize,
        ttl_ms: u64,
    },
    Confirm {
        hold: usize,
        payment: Option<u8>,
    },
    Release {
        hold: usize,
    },
    Refund {
        hold: usize,
        general: Option<u64>,
    },
    Expire {
        event: u8,
    },
}

/// A step, the key it carries, how the clock moves before it, and whether a new batch begins with
/// it.
type Move = (Step, Option<u8>, i64, bool);

fn step() -> impl Strategy<Value = Step> {
    let event = 0..3_u8;
    let who = proptest::option::of(0..3_u8);
    let window = (
        proptest::option::weighted(0.1, 0..3_000_u64),
        proptest::option::weighted(0.1, 0..20_000_u64),
    );
    prop_oneof![
        2 => (event.clone(), 0..30_u64, proptest::option::of(0..8_u64), proptest::option::weighted(0.3, 1..8_u64), window, proptest::option::weighted(0.1, 0..9_u64))
            .prop_map(|(event, general, vip, limit, window, if_version)| Step::Put { event, general, vip, limit, window, if_version }),
        6 => (event.clone(), 0..6_u64, 0..3_u64, who.clone()).prop_map(|(event, general, vip, customer)| Step::Reserve { event, general, vip, customer }),
        8 => (event.clone(), 0..6_u64, 0..3_u64, who, proptest::option::of(1..3_000_u64))
            .prop_map(|(event, general, vip, customer, ttl_ms)| Step::Hold { event, general, vip, customer, ttl_ms }),
        3 => (any::<usize>(), 1..6_000_u64).prop_map(|(hold, ttl_ms)| Step::Extend { hold, ttl_ms }),
        6 => (any::<usize>(), proptest::option::of(0..3_u8)).prop_map(|(hold, payment)| Step::Confirm { hold, payment }),
        3 => any::<usize>().prop_map(|hold| Step::Release { hold }),
        4 => (any::<usize>(), proptest::option::of(1..4_u64)).prop_map(|(hold, general)| Step::Refund { hold, general }),
        1 => event.clone().prop_map(|event| Step::Expire { event }),
        1 => (event, proptest::option::weighted(0.2, 0..9_u64)).prop_map(|(event, if_version)| Step::Delete { event, if_version }),
    ]
}

fn history(len: usize) -> impl Strategy<Value = Vec<Move>> {
    let forward = prop_oneof![6 => 0..50_i64, 2 => 500..4_000_i64].boxed();
    let jumping = prop_oneof![8 => forward.clone(), 1 => -2_000..0_i64].boxed();
    let one = |clock: BoxedStrategy<i64>| {
        (step(), proptest::option::weighted(0.3, 0..12_u8), clock, any::<bool>())
    };
    prop_oneof![
        proptest::collection::vec(one(forward), 1..len),
        proptest::collection::vec(one(jumping), 1..len)
    ]
}

fn limits(moves: &[Move]) -> Limits {
    // A key whose time is over may be forgotten at once or later. Where the clock goes back over
    // that time the two would differ, and both be right; so keys run out only in histories
    // whose clock does not go back.
    let goes_back = moves.iter().any(|(_, _, clock, _)| *clock < 0);
    let key_ttl_ms = if goes_back { 1_000_000 } else { 5_000 };
    Limits {
        hold_ttl_ms: 700,
        hold_ttl_max_ms: 2_500,
        hold_lifetime_max_ms: 5_000,
        key_ttl_ms,
        events_max: 3,
        ..Limits::default()
    }
}

fn name(number: u8) -> EventName {
    event(["default", "a", "a-b"][usize::from(number)])
}

fn wanted(general: u64, vip: u64) -> inventory::Items {
    match (general, vip) {
        (0, 0) => items(&[("general", 1)]),
        (0, vip) => items(&[("vip", vip)]),
        (general, 0) => items(&[("general", general)]),
        (general, vip) => items(&[("vip", vip), ("general", general)]),
    }
}

/// Holds that exist, oldest first; most picks fall on recent ones, some on none.
fn pick(holds: &[HoldId], number: usize) -> HoldId {
    let recent = holds.len().min(8);
    match number % 16 {
        15 => HoldId::new(1, [9; 10]),
        at if recent > 0 => holds[holds.len() - 1 - at % recent],
        _ => HoldId::new(1, [9; 10]),
    }
}

fn command(step: &Step, holds: &[HoldId]) -> CommandKind {
    let who = |customer_number: &Option<u8>| {
        customer_number.map(|number| customer(&format!("c{number}")))
    };
    match step {
        Step::Put { event, general, vip, limit, window, if_version } => {
            let vip = vip.map(|vip| (stock("vip"), vip));
            let capacities: BTreeMap<_, _> =
                [(stock("general"), *general)].into_iter().chain(vip).collect();
            let settings = EventSettings {
                opens_at_ms: window.0,
                closes_at_ms: window.1,
                hold_ttl_ms: None,
                limit_per_customer: *limit,
            };
            CommandKind::PutEvent {
                event: name(*event),
                capacities,
                settings,
                if_settings_seq: *if_version,
                only_create: false,
            }
        }
        Step::Delete { event, if_version } => {
            CommandKind::DeleteEvent { event: name(*event), if_settings_seq: *if_version }
        }
        Step::Reserve { event, general, vip, customer } => CommandKind::Reserve {
            event: name(*event),
            items: wanted(*general, *vip),
            customer: who(customer),
        },
        Step::Hold { event, general, vip, customer, ttl_ms } => CommandKind::Hold {
            event: name(*event),
            items: wanted(*general, *vip),
            customer: who(customer),
            ttl_ms: *ttl_ms,
        },
        Step::Extend { hold, ttl_ms } => {
            CommandKind::Extend { hold: pick(holds, *hold), ttl_ms: *ttl_ms }
        }
        Step::Confirm { hold, payment } => {
            let payment_ref = payment.map(|number| PaymentRef::new(&format!("p{number}")).unwrap());
            CommandKind::Confirm { hold: pick(holds, *hold), payment_ref }
        }
        Step::Release { hold } => CommandKind::Release { hold: pick(holds, *hold) },
        Step::Refund { hold, general } => CommandKind::Refund {
            reservation: pick(holds, *hold),
            items: general.map(|qty| items(&[("general", qty)])),
        },
        Step::Expire { event } => CommandKind::Expire { event: name(*event) },
    }
}

/// Runs `moves` on a store and on the model, comparing every answer and, after every batch, every
/// count.
async fn run(mut kit: impl Kit, moves: &[Move]) {
    let mut store = kit.open().await;
    let (limits, mut model, mut holds) = (limits(moves), Model::default(), Vec::new());
    let mut now_ms = 10_000_u64;
    let mut at = 0;
    while at < moves.len() {
        now_ms = now_ms.saturating_add_signed(moves[at].2).max(1);
        let len = 1 + moves[at + 1..].iter().take_while(|next| !next.3).count();
        let mut batch: Vec<(Command, Option<IdempotencyKey>)> = Vec::new();
        for (number, (step, key_number, ..)) in moves[at..at + len].iter().enumerate() {
            let id = HoldId::new(
                now_ms,
                u128::to_be_bytes((at + number + 1) as u128)[6..].try_into().unwrap(),
            );
            let kind = command(step, &holds);
            if matches!(kind, CommandKind::Hold { .. } | CommandKind::Reserve { .. }) {
                holds.push(id);
            }
            batch.push((Command { id, kind }, key_number.map(|number| key(&format!("k{number}")))));
        }
        // A command about a hold made within its own batch touches no event of its own at loading
        // time.
        let touched: Vec<_> =
            batch.iter().filter_map(|(command, _)| model.event_of(&command.kind)).collect();
        model.expire(&touched, now_ms);
        let expected: Vec<_> = batch
            .iter()
            .map(|(command, key)| model.decide(&limits, command, key.as_ref(), now_ms))
            .collect();
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
        at += len;
    }
    let views = kit.views(&store).await;
    check_ledger(&store, &views, &model, &holds, &limits).await;
}

fn check_counts(views: &[EventView], model: &Model) {
    assert_eq!(views.len(), model.events().count());
    for (view, (name, capacities, seq)) in views.iter().zip(model.events()) {
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
        assert_eq!(stored, again.reader().hold(*id).await.unwrap());
        assert!(
            stored.is_none_or(|hold| hold.live.is_empty() || hold.state == HoldState::Confirmed)
        );
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
