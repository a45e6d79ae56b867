//! `POST /api/v1/internal/batch`.

use std::{collections::BTreeSet, time::Duration};

use axum::{Json, extract::State};
use futures::future::join_all;
use http_server::{
    Problem,
    extract::{Caller, CallerDeadline, JsonEntries},
    middleware::CurrentRequestId,
    problem::ProblemDetails,
};
use inventory::{CommandKind, EventName, Refusal, RefusalKind};
use inventory_engine::{EngineError, Reply, Request};
use public_api::By;
use tokio::time::Instant;
use vacancy_api::{
    Answer, BatchAnswer, BatchEntry, BodyErrors, EntryAnswer, EventFrame, Hold, SlotProblem,
    TimeoutParam, Unavailable, Wording, problem_of_refusal,
};
use vacancy_service::problem_of_engine;

use super::command::{Work, work};
use crate::api::state::AppState;

/// Decide and read for several callers with one call
///
/// For the ticket service. Each entry has its own key, deadline, effect and response; an invalid
/// one gets its problem in its place and fails no other. An entry with `seller` needs the seller's
/// token in the call. `events` has the events that the entries were about, with all their effects.
#[utoipa::path(
    post,
    path = "/api/v1/internal/batch",
    tag = "internal",
    request_body = Vec<BatchEntry>,
    params(TimeoutParam),
    responses(
        (status = OK, body = BatchAnswer),
        (
            status = BAD_REQUEST,
            description = "The body is not JSON",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        BodyErrors,
        (
            status = UNPROCESSABLE_ENTITY,
            description = "The body is not a list of entries, or the batch is too large",
            body = ProblemDetails,
            content_type = "application/problem+json",
        ),
        Unavailable,
    )
)]
pub async fn submit_batch(
    State(app): State<AppState>,
    by: By,
    deadline: CallerDeadline,
    CurrentRequestId(request_id): CurrentRequestId,
    JsonEntries(entries): JsonEntries<BatchEntry>,
) -> Result<Json<BatchAnswer>, Problem> {
    let most = app.reserve_batch_max();
    if entries.is_empty() || entries.len() > most {
        return Err(Problem::validation(format!("A batch has 1 to {most} entries.")));
    }
    let failed =
        |problem| EntryAnswer::Problem(SlotProblem { problem, request_id: request_id.clone() });
    // What is wrong in itself is answered in its place; the rest goes to the engine in one step.
    let plan = Plan::of(&app, entries, by.0, deadline);
    let (replies, reads) =
        tokio::join!(app.engine().submit_all(plan.requests), join_all(plan.reads));
    let mut about = plan.events;
    about.extend(replies.iter().flatten().filter_map(|reply| reply.event.clone()));
    let (mut replies, mut reads) = (plan.sales.into_iter().zip(replies), reads.into_iter());
    let answers = plan.slots.into_iter().filter_map(|slot| match slot {
        Slot::Failed(problem) => Some(failed(problem)),
        Slot::Decided => {
            let (is_sale, reply) = replies.next()?;
            Some(decided(is_sale, reply, by.0).unwrap_or_else(failed))
        }
        Slot::Read => Some(reads.next()?.unwrap_or_else(failed)),
    });
    let answers = answers.collect();
    Ok(Json(BatchAnswer { answers, events: frames(&app, about).await }))
}

/// Where the answer to an entry comes from.
enum Slot {
    Failed(Problem),
    Decided,
    Read,
}

/// The work of a batch.
struct Plan<R> {
    slots: Vec<Slot>,
    requests: Vec<Request>,
    /// Whether each request sells at once.
    sales: Vec<bool>,
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
            sales: Vec::with_capacity(entries.len()),
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
                    plan.sales.push(matches!(kind, CommandKind::Reserve { .. }));
                    plan.requests.push(app.stock().request(kind, key, deadline.0));
                    Slot::Decided
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

fn decided(
    is_sale: bool,
    reply: Result<Reply, EngineError>,
    caller: Caller,
) -> Result<EntryAnswer, Problem> {
    let reply = reply.map_err(|error| problem_of_engine(&error))?;
    let answer = if is_sale {
        Answer::to_sale(reply, Wording::Reserve, caller)
    } else {
        Answer::of(reply, caller)
    };
    answer.map(EntryAnswer::Decided).map_err(vacancy_api::Failure::into_problem)
}

/// Reads what `work` asks for.
async fn read(app: AppState, work: Work) -> Result<EntryAnswer, Problem> {
    let engine = app.engine();
    let missing = |kind| problem_of_refusal(&Refusal { seq: None, kind });
    match work {
        Work::Decide(_) => Err(Problem::internal("The entry is not a read.")),
        Work::Hold(hold) => {
            let hold = engine.hold(hold).await.map_err(|error| problem_of_engine(&error))?;
            let hold = hold.ok_or_else(|| missing(RefusalKind::HoldNotFound))?;
            Ok(EntryAnswer::Hold(Box::new(Hold::of(&hold, engine.now_ms()))))
        }
        Work::Event(event) => {
            let seen = engine.event_now(&event).await.map_err(|error| problem_of_engine(&error))?;
            let seen = seen.ok_or_else(|| missing(RefusalKind::EventNotFound))?;
            let frame = EventFrame::of(&seen.view, seen.stale.is_some(), engine.now_ms());
            Ok(EntryAnswer::Event(Box::new(frame)))
        }
        Work::Reservations(request) => {
            let page = app.stock().reservations(request).await;
            page.map(EntryAnswer::Reservations).map_err(|error| problem_of_engine(&error))
        }
    }
}

/// The events as they are now. One that cannot be read is left out: the caller reads it later.
async fn frames(app: &AppState, events: BTreeSet<EventName>) -> Vec<EventFrame> {
    let engine = app.engine();
    let mut frames = Vec::with_capacity(events.len());
    for event in events {
        if let Ok(Some(seen)) = engine.event(&event).await
            && seen.stale.is_none()
        {
            frames.push(EventFrame::of(&seen.view, false, engine.now_ms()));
        }
    }
    frames
}
