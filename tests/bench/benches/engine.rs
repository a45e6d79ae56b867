//! The engine alone, without HTTP: commands per second. `cargo bench -p bench`, or `make
//! bench-engine`.

use std::hint::black_box;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use inventory::{
    Command, CommandKind, EventName, EventSettings, Hash, HoldId, IdempotencyKey, Items, Limits,
    StockName,
    decide::{ReadSet, WorkingSet, decide_batch},
    ledger::Record,
};
use inventory_embedded::{EmbeddedOptions, EmbeddedStore};
use inventory_store::{Durability, run_batch};

const NOW_MS: u64 = 1_800_000_000_000;
const BATCHES: [usize; 3] = [1, 16, 256];

type Asked = (Command, Option<IdempotencyKey>);

/// Commands with new ids and keys.
struct Buyers {
    event: EventName,
    stock: StockName,
    number: u128,
}

impl Buyers {
    fn new() -> Self {
        Self {
            event: EventName::new("default").expect("a name"),
            stock: StockName::new("general").expect("a name"),
            number: 0,
        }
    }

    fn id(&mut self) -> HoldId {
        self.number += 1;
        let mut random = [0; 10];
        random.copy_from_slice(&self.number.to_be_bytes()[6..]);
        HoldId::new(NOW_MS, random)
    }

    fn put(&mut self) -> Asked {
        let kind = CommandKind::PutEvent {
            event: self.event.clone(),
            capacities: [(self.stock.clone(), 1_000_000_000_000)].into(),
            settings: EventSettings::default(),
            if_settings_seq: None,
            only_create: false,
            draw: None,
        };
        (Command { id: self.id(), kind }, None)
    }

    fn batch(&mut self, len: usize, keyed: bool) -> Vec<Asked> {
        let one = |_| {
            let kind = CommandKind::Reserve {
                event: self.event.clone(),
                items: Items::one(self.stock.clone(), 1),
                customer: None,
                by_seller: false,
                pass: None,
            };
            let id = self.id();
            let key = keyed.then(|| IdempotencyKey::new(&id.to_string()).expect("a key"));
            (Command { id, kind }, key)
        };
        (0..len).map(one).collect()
    }
}

fn asked(batch: &[Asked]) -> impl Iterator<Item = (&Command, Option<&IdempotencyKey>)> + Clone {
    batch.iter().map(|(command, key)| (command, key.as_ref()))
}

/// The rules, the records and their hashes, without a store.
fn decide(criterion: &mut Criterion) {
    let limits = Limits::default();
    let mut buyers = Buyers::new();
    let mut made = WorkingSet { now_ms: NOW_MS, ..WorkingSet::default() };
    decide_batch(&mut made, &limits, asked(&[buyers.put()]), NOW_MS);
    let mut group = criterion.benchmark_group("decide");
    for len in BATCHES {
        group.throughput(Throughput::Elements(len as u64));
        group.bench_function(BenchmarkId::new("reserve", len), |bencher| {
            let setup = || {
                (
                    WorkingSet {
                        now_ms: NOW_MS,
                        events: made.events.clone(),
                        ..WorkingSet::default()
                    },
                    buyers.batch(len, false),
                )
            };
            bencher.iter_batched_ref(
                setup,
                |(set, batch)| decide_batch(set, &limits, asked(batch), NOW_MS),
                BatchSize::SmallInput,
            );
        });
    }
}

/// One record to bytes, their hash, and back.
fn record(criterion: &mut Criterion) {
    let mut buyers = Buyers::new();
    let mut set = WorkingSet { now_ms: NOW_MS, ..WorkingSet::default() };
    decide_batch(&mut set, &Limits::default(), asked(&[buyers.put()]), NOW_MS);
    decide_batch(&mut set, &Limits::default(), asked(&buyers.batch(1, true)), NOW_MS);
    let (record, body) = set.records.pop().expect("a sale");
    criterion
        .bench_function("record/to_body", |bencher| bencher.iter(|| black_box(&record).to_body()));
    criterion.bench_function("record/hash", |bencher| bencher.iter(|| Hash::of(black_box(&body))));
    criterion.bench_function("record/from_body", |bencher| {
        bencher.iter(|| Record::from_body(black_box(&body)));
    });
}

/// Whole batches through the embedded store, with and without a sync.
fn embedded(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    // Not in the temporary directory of the system: in memory a sync costs nothing.
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let limits = Limits::default();
    let mut buyers = Buyers::new();
    let mut store =
        EmbeddedStore::open(dir.path().join("data"), &EmbeddedOptions::default()).expect("a store");
    let mut run = |batch: &[Asked], durability| {
        runtime
            .block_on(run_batch(&mut store, &limits, asked(batch), Vec::new(), NOW_MS, durability))
            .expect("committed")
    };
    run(&[buyers.put()], Durability::Synced);
    let mut group = criterion.benchmark_group("embedded");
    for (name, keyed, durability) in [
        ("reserve, synced", false, Durability::Synced),
        ("reserve with a key, synced", true, Durability::Synced),
        ("reserve, not synced", false, Durability::Buffered),
    ] {
        for len in BATCHES {
            group.throughput(Throughput::Elements(len as u64));
            group.bench_function(BenchmarkId::new(name, len), |bencher| {
                bencher.iter_batched_ref(
                    || buyers.batch(len, keyed),
                    |batch| run(batch, durability),
                    BatchSize::SmallInput,
                );
            });
        }
    }
}

/// The read set of a batch.
fn touch(criterion: &mut Criterion) {
    let batch = Buyers::new().batch(256, true);
    criterion.bench_function("touch/256", |bencher| {
        bencher.iter(|| {
            let mut touch = ReadSet::default();
            asked(black_box(&batch)).for_each(|(command, key)| touch.add(command, key));
            touch
        });
    });
}

criterion_group!(benches, decide, record, touch, embedded);
criterion_main!(benches);
