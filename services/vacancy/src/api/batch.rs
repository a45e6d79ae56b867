//! Answering the entries of a batch, which the calls for batches share.

use std::{collections::BTreeSet, time::Duration};

use futures::future::join_all;
use http_server::{
    Problem,
    extract::{Caller, CallerDeadline},
};
use inventory::{CommandKind, EventName};
use inventory_engine::Request;
use tokio::time::Instant;
use vacancy_api::{
    BatchEntry, EntryAnswer, EventFrame, Failure, Hold, Wording, event_not_found, hold_not_found,
    place_invalid,
};
use vacancy_service::{answer_of, problem_of_engine};

use super::{
    batch_entry::{Work, work},
    state::AppState,
};

/// The answers to a batch.
pub struct Answers {
    /// One per entry, in their order.
    pub entries: Vec<Result<EntryAnswer, Problem>>,
    /// The events that the entries were about.
    pub events: BTreeSet<EventName>,
}

/// Answers `entries`, which `caller` sent in one call. What is wrong in itself is answered in its
/// place; the rest goes to the engine in one step.
///
/// # Errors
/// 422 when there are no entries or more than a batch may have; `noun` is what the caller calls
/// them.
pub async fn answer(
    app: &AppState,
    entries: Vec<Result<BatchEntry, Problem>>,
    noun: &str,
    caller: Caller,
    deadline: CallerDeadline,
) -> Result<Answers, Problem> {
    let most = app.reserve_batch_max();
    if entries.is_empty() || entries.len() > most {
        return Err(Problem::validation(format!("A batch has 1 to {most} {noun}.")));
    }
    let plan = Plan::of(app, entries, caller, deadline);
    let (replies, reads) =
        tokio::join!(app.engine().submit_all(plan.requests), join_all(plan.reads));
    let mut events = plan.events;
    events.extend(replies.iter().flatten().filter_map(|reply| reply.event.clone()));
    let (mut replies, mut reads) = (replies.into_iter(), reads.into_iter());
    let answered = plan.slots.into_iter().filter_map(|slot| match slot {
        Slot::Failed(problem) => Some(Err(problem)),
        Slot::Decided(sale) => {
            let answer = answer_of(replies.next()?, sale, caller);
            Some(answer.map(EntryAnswer::Decided).map_err(Failure::into_problem))
        }
        Slot::Read => reads.next(),
    });
    Ok(Answers { entries: answered.collect(), events })
}

/// Where the answer to an entry comes from.
enum Slot {
    Failed(Problem),
    /// The engine; with the wording if it is a sale at once.
    Decided(Option<Wording>),
    Read,
}

/// The work of a batch.
struct Plan<R> {
    slots: Vec<Slot>,
    requests: Vec<Request>,
    reads: Vec<R>,
    /// The events that are read.
    events: BTreeSet<EventName>,
}

impl Plan<()> {
    fn of(
        app: &AppState,
        entries: Vec<Result<BatchEntry, Problem>>,
        caller: Caller,
        deadline: CallerDeadline,
    ) -> Plan<impl Future<Output = Result<EntryAnswer, Problem>>> {
        let now = Instant::now();
        let mut plan = Plan {
            slots: Vec::with_capacity(entries.len()),
            requests: Vec::with_capacity(entries.len()),
            reads: Vec::new(),
            events: BTreeSet::new(),
        };
        for entry in entries {
            let planned = entry.and_then(|mut entry| {
                let deadline = deadline.within(now, entry.timeout_ms.map(Duration::from_millis));
                let key = entry.key.take();
                Ok((key, deadline, work(app, entry, caller)?))
            });
            plan.slots.push(match planned {
                Err(problem) => Slot::Failed(problem),
                Ok((key, deadline, Work::Decide(kind))) => {
                    let is_sale = matches!(kind, CommandKind::Reserve { .. });
                    plan.requests.push(app.stock().request(kind, key, deadline.0));
                    Slot::Decided(is_sale.then_some(Wording::Reserve))
                }
                Ok((_, _, work)) => {
                    if let Work::Event(event) = &work {
                        plan.events.insert(event.clone());
                    }
                    plan.reads.push(read(app.clone(), work));
                    Slot::Read
                }
            });
        }
        plan
    }
}

/// Reads what `work` asks for.
async fn read(app: AppState, work: Work) -> Result<EntryAnswer, Problem> {
    let engine = app.engine();
    match work {
        Work::Decide(_) => Err(Problem::internal("The entry is not a read.")),
        Work::Hold(hold) => {
            let hold = engine.hold(hold).await.map_err(|error| problem_of_engine(&error))?;
            let hold = hold.ok_or_else(hold_not_found)?;
            Ok(EntryAnswer::Hold(Box::new(Hold::of(&hold, engine.now_ms()))))
        }
        Work::Event(event) => {
            let seen = engine.event_now(&event).await.map_err(|error| problem_of_engine(&error))?;
            let seen = seen.ok_or_else(event_not_found)?;
            let frame = EventFrame::of(&seen.view, seen.stale.is_some(), engine.now_ms());
            Ok(EntryAnswer::Event(Box::new(frame)))
        }
        Work::Place(event, leaf) => {
            let place = app.stock().place(&event, &leaf).await;
            let place = place.map_err(|error| problem_of_engine(&error))?;
            place.map(EntryAnswer::Place).ok_or_else(place_invalid)
        }
        Work::Leaves(event, after, limit) => {
            let page = app.stock().leaves(&event, after, limit).await;
            page.map(EntryAnswer::Leaves).map_err(|error| problem_of_engine(&error))
        }
        Work::Reservations(request) => {
            let page = app.stock().reservations(request).await;
            page.map(EntryAnswer::Reservations).map_err(|error| problem_of_engine(&error))
        }
    }
}
