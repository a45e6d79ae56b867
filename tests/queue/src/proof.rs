//! A sale to a crowd, and what must hold after it.

use std::{path::Path, sync::Arc, time::Duration};

use clap::Args;
use jiff::Timestamp;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::json;
use tokio::{
    sync::{Mutex, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    checks,
    checks::{Drawn, draw_findings},
    error::Error,
    http::{Call, Http},
    kills::{Killed, Kills},
    ledger::{Ledger, number},
    people::{GROUP, Market, Notes, leaf_of, visit},
    plan::{Person, Size, crowd, demand},
    plant,
    report::Report,
    stream::{Timeline, View, follow, now_ms},
    system::System,
    target::{Places, Target},
};

const EVENT: &str = "gala";
/// Until the waiting room opens.
const HEAD_START: Duration = Duration::from_millis(1_500);
/// The longest sale.
const SALE_MAX: Duration = Duration::from_secs(285);
/// The longest time until the last hold has expired.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// The longest time in which a sale that could move may stand still.
const STALL_MS_MAX: u64 = 5_000;
const PROOFS: usize = 10;

#[derive(Args)]
pub struct ProofArgs {
    #[command(flatten)]
    places: Places,
    /// What runs; both by default
    #[arg(long, value_enum)]
    target: Vec<Target>,
    /// Number of people
    #[arg(long, default_value_t = 20_000)]
    people: usize,
    /// Number of tickets
    #[arg(long, default_value_t = 2_000)]
    tickets: u64,
    /// How many of the people are one bot farm; a quarter by default
    #[arg(long)]
    bots: Option<usize>,
    /// Seconds in which people can join the draw; by default, 4 and one for 2,000 people
    #[arg(long)]
    pre_s: Option<f64>,
    /// Kills with SIGKILL during the sale
    #[arg(long, value_name = "K", default_value_t = 0)]
    kill: usize,
    /// Run both targets at once
    #[arg(long)]
    together: bool,
    /// Repeats a plan: who does what, and when which process is killed
    #[arg(long, default_value_t = now_ms())]
    seed: u64,
}

pub async fn run(args: ProofArgs) -> Result<Report, Error> {
    let targets = if args.target.is_empty() {
        vec![Target::Monolith, Target::Services]
    } else {
        args.target.clone()
    };
    let (together, args) = (args.together, Arc::new(args));
    let (mut report, mut runs) = (Report::default(), JoinSet::new());
    for target in targets {
        let args = args.clone();
        runs.spawn(async move {
            let folder = args.places.folder()?;
            prove(target, &args, folder.path()).await
        });
        if !together && let Some(done) = runs.join_next().await {
            report.merge(done.map_err(std::io::Error::other)??);
        }
    }
    while let Some(done) = runs.join_next().await {
        report.merge(done.map_err(std::io::Error::other)??);
    }
    report.end();
    Ok(report)
}

async fn prove(target: Target, args: &ProofArgs, folder: &Path) -> Result<Report, Error> {
    let began = Instant::now();
    let mut generator = StdRng::seed_from_u64(args.seed);
    let pre_s = args.pre_s.unwrap_or(4.0 + args.people as f64 / 2_000.0);
    let size = Size {
        people: args.people,
        bots: args.bots.unwrap_or(args.people / 4),
        pre: Duration::from_secs_f64(pre_s),
        seed: args.seed,
    };
    let crowd = crowd(&size);
    let env = [("TRUSTED_PROXIES", "127.0.0.1")];
    let system = System::start(target, &args.places, folder, &mut generator, &env).await?;
    let admin = Http::new(&system.admin)?;
    let opens_ms = now_ms() + u64::try_from(HEAD_START.as_millis()).unwrap_or(0);
    let opens_at = Instant::now() + HEAD_START;
    let sale_ms = opens_ms + size.pre.as_millis() as u64;
    let queue = put_event(&admin, args.tickets, opens_ms, sale_ms).await?;
    let kills = Kills::plan(args.kill, size.pre, system.processes.len(), &mut generator);
    let people = Http::new(&system.public)?;
    let system = Arc::new(Mutex::new(system));

    let (senders, views): (Vec<_>, Vec<_>) =
        (0..args.people.div_ceil(GROUP)).map(|_| watch::channel(View::FIRST)).unzip();
    let market = Arc::new(Market {
        http: people,
        event: EVENT.to_owned(),
        queue,
        opens_at,
        views,
        timeline: Timeline::default(),
        notes: parking_lot::Mutex::default(),
    });
    let mut streams = JoinSet::new();
    for views in senders {
        let market = market.clone();
        streams.spawn(async move {
            let path = format!("/api/v1/events/{EVENT}/queue/stream");
            follow(&market.http, &path, &market.timeline, &views).await;
        });
    }
    let killer = {
        let (system, pre) = (system.clone(), size.pre);
        tokio::spawn(async move { kills.run(&system, opens_at, pre).await })
    };
    early(&market).await?;
    let mut visits = JoinSet::new();
    for person in crowd.clone() {
        let market = market.clone();
        visits.spawn(async move { visit(&person, &market).await });
    }
    let all_done = timeout(SALE_MAX, async { while visits.join_next().await.is_some() {} }).await;
    visits.abort_all();
    let done_in = began.elapsed();
    let killed = match killer.await {
        Ok(killed) => killed?,
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let stock = settle(&admin).await?;
    let ledger = Ledger::read(&admin, EVENT).await?;
    let seen = Seen { crowd: &crowd, market: &market, ledger: &ledger, sale_ms };
    let mut report = Report::titled(format_args!(
        "{target:?}, seed {}: {} people, {} tickets, {} kills, in {}",
        args.seed,
        args.people,
        args.tickets,
        args.kill,
        folder.display()
    ));
    report.check("all people were done in time", all_done.is_ok(), format_args!("{done_in:.1?}"));
    seen.tell(&mut report, &killed, args.kill);
    seen.check_draw(&mut report).await?;
    {
        let notes = market.notes.lock();
        checks::joins(&mut report, (EVENT, queue), &crowd, &notes, &ledger);
        checks::sales(&mut report, (EVENT, queue), (&crowd, &notes), (&ledger, &stock));
    }
    seen.check_stalls(&mut report);
    streams.abort_all();
    let mut system = system.lock().await;
    report.none("complaints in logs, and processes that ended", &system.stop().await?);
    let (code, said) = system.verify().await?;
    report.check("the stopped store verifies", code == Some(0), format_args!("{said} ({code:?})"));
    report.figure("time in all", format_args!("{:.1} s", began.elapsed().as_secs_f64()));
    let wanted = demand(&crowd);
    report.figure("tickets that people would have bought", wanted);
    Ok(report)
}

/// Sets the event up; the id of its waiting room.
async fn put_event(admin: &Http, tickets: u64, opens: u64, sale: u64) -> Result<u64, Error> {
    let text = |ms: u64| {
        let ms = i64::try_from(ms).unwrap_or_default();
        Timestamp::from_millisecond(ms).unwrap_or_default().to_string()
    };
    let queue = json!({"opens_at": text(opens), "draw": true, "pass_ttl_s": 20, "claim_ttl_s": 5});
    let event = json!({"stocks": {"general": tickets}, "opens_at": text(sale), "queue": queue});
    let call = Call::put(format!("/api/v1/admin/events/{EVENT}")).body(event);
    let reply = admin.expect(201, &call.admin()).await?;
    let _ = reply;
    let ledger = Ledger::read(admin, EVENT).await?;
    let id = ledger.of_kind("event_put").next().map(|record| number(&record["seq"]));
    id.ok_or_else(|| Error::Ledger("it has no event_put".to_owned()))
}

/// Nobody can join before the waiting room opens.
async fn early(market: &Market) -> Result<(), Error> {
    let call =
        Call::post(format!("/api/v1/events/{EVENT}/queue")).header("idempotency-key", "early");
    let reply = market.http.ask(&call).await?;
    if reply.short() != "409 queue_closed" {
        let line = format!("a join before the opening: {}", reply.short());
        market.notes.lock().wrong.push(line);
    }
    Ok(())
}

/// Waits until the last hold has expired; the counts of the stock.
async fn settle(admin: &Http) -> Result<serde_json::Value, Error> {
    let since = Instant::now();
    loop {
        let reply = admin.expect(200, &Call::get(format!("/api/v1/events/{EVENT}"))).await?;
        let stock = reply.json()["stocks"]["general"].clone();
        let is_open = number(&stock["available"]) + number(&stock["held"]) > 0;
        if !is_open || since.elapsed() > SETTLE_MAX {
            return Ok(stock);
        }
        sleep(Duration::from_millis(250)).await;
    }
}

/// A sale that is over.
struct Seen<'a> {
    crowd: &'a [Person],
    market: &'a Market,
    ledger: &'a Ledger,
    sale_ms: u64,
}

impl Seen<'_> {
    fn tell(&self, report: &mut Report, killed: &Killed, planned: usize) {
        let notes = self.market.notes.lock();
        for (what, count) in &notes.counts {
            report.figure(what, count);
        }
        let sum = |counts: &[(&str, u64)]| {
            let counts = counts.iter().map(|(name, count)| format!("{count} {name}"));
            counts.collect::<Vec<_>>().join(", ")
        };
        let retries: Vec<_> = self.market.http.retries().into_iter().collect();
        let retries: Vec<_> = retries.iter().map(|(why, count)| (why.as_str(), *count)).collect();
        report.figure("calls repeated", sum(&retries));
        let kinds: Vec<_> = self.ledger.kinds().into_iter().collect();
        report.figure("records of the ledger", sum(&kinds));
        if planned > 0 {
            let [join, draw, admission] = killed.phases;
            let is_all = killed.all() == planned as u64 && killed.phases.iter().all(|one| *one > 0);
            let figure = format!(
                "{} ({join} while people join, {draw} at the draw, {admission} after it)",
                sum(&killed.of)
            );
            report.check("kills", is_all, figure);
        }
        report.none("responses that there should not be", &notes.wrong);
        let timeline = &self.market.timeline;
        report.figure("frames of the shared streams", *timeline.frames.lock());
        report.none("streams that went back", &timeline.wrong.lock());
    }

    /// The draw by the ledger, by the public documents, and as people were told.
    async fn check_draw(&self, report: &mut Report) -> Result<(), Error> {
        match draw_findings(EVENT, self.ledger) {
            Err(findings) => report.none("findings of the draw verifier in the ledger", &findings),
            Ok(queues) => {
                report.none::<&str>("findings of the draw verifier in the ledger", &[]);
                for queue in queues {
                    let figure = format!(
                        "{} places, {} in the draw, {} called, {} passes, {} holds",
                        queue.places, queue.participants, queue.serving, queue.passes, queue.holds
                    );
                    report.figure("waiting room", figure);
                }
            }
        }
        let missed = plant::unfound(EVENT, self.ledger);
        report.none(&format!("of {} planted violations, not found", plant::COUNT), &missed);
        let notes = std::mem::take(&mut *self.market.notes.lock());
        let checked = self.check_turns(report, &notes).await;
        *self.market.notes.lock() = notes;
        checked
    }

    async fn check_turns(&self, report: &mut Report, notes: &Notes) -> Result<(), Error> {
        let leaf = |number: usize| leaf_of(EVENT, self.market.queue, &self.crowd[number].key);
        let (indexes, _) = self.ledger.places();
        let n =
            self.ledger.of_kind("draw_frozen").next().map_or(0, |one| number(&one["queue"]["n"]));
        let drawn = notes.joined.values().filter(|joined| joined.index < n);
        let sample: Vec<_> = drawn.map(|joined| joined.token.as_str()).take(PROOFS).collect();
        let leaves: Vec<_> = indexes.keys().copied().collect();
        let (turns, wrong) =
            checks::public_turns(&self.market.http, EVENT, &sample, &leaves).await?;
        report.none(&format!("findings in the public draw and {} proofs", sample.len()), &wrong);
        let mut wrong = Vec::new();
        for (number, told) in &notes.turns {
            let leaf = leaf(*number);
            let index = indexes.get(leaf.as_str()).copied().unwrap_or_default();
            let turn = if index < n { turns.get(&leaf).copied() } else { Some(index + 1) };
            if turn != Some(*told) {
                wrong.push(format!("person {number} was told turn {told}, and has {turn:?}"));
            }
        }
        report.check("people who know their turns", !notes.turns.is_empty(), notes.turns.len());
        report.none("turns that are not those of the public draw", &wrong);
        let bots = self.crowd.iter().filter(|person| person.is_bot);
        let bots: std::collections::HashSet<_> = bots.map(|person| leaf(person.number)).collect();
        let all = turns.iter().map(|(leaf, turn)| Drawn {
            index: indexes.get(leaf.as_str()).copied().unwrap_or_default(),
            turn: *turn,
            is_bot: bots.contains(leaf),
        });
        checks::ranks(report, &all.collect::<Vec<_>>());
        Ok(())
    }

    fn check_stalls(&self, report: &mut Report) {
        for kind in ["draw_frozen", "draw_revealed", "queue_called", "confirmed"] {
            let after_s = (self.ledger.first_ms(kind) as f64 - self.sale_ms as f64) / 1_000.0;
            report.figure(
                &format!("from the opening to the first {kind}"),
                format_args!("{after_s:.2} s"),
            );
        }
        let sold = self.ledger.sold();
        let all = sold.last().map_or(0, |(_, sold)| *sold);
        let parts = [50, 90, 99, 100].map(|part| {
            let at = sold.iter().find(|(_, sold)| sold * 100 >= all * part);
            let after_ms = at.map_or(0, |(at_ms, _)| at_ms.saturating_sub(self.sale_ms));
            format!("{part} % after {:.1} s", after_ms as f64 / 1_000.0)
        });
        report.figure("from the opening until sold", parts.join(", "));
        let by_ledger = self.ledger.longest_stall();
        let by_people = self.market.timeline.longest_stall();
        for (by, stall) in [("the ledger", by_ledger), ("people", by_people)] {
            let figure = stall.text(self.sale_ms);
            report.check(&format!("the longest stall by {by}"), stall.ms <= STALL_MS_MAX, figure);
        }
    }
}
