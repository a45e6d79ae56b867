//! Replies in the body of a response: one per entry, each a result or a problem.

use http_server::problem::ProblemDetails;
use public_api::ClientError;
use serde::{Deserialize, de::Error};
use serde_json::value::RawValue;
use vacancy_api::{Answer, EventFrame, Operation, ReserveAnswer};

use super::{
    super::refusals::caller_problem,
    pending::{LinkReply, Reply},
};

/// The replies to a batch, and the events that it was about.
pub struct Replies {
    pub replies: Vec<Reply>,
    pub events: Vec<EventFrame>,
}

#[derive(Deserialize)]
struct Sales {
    answers: Vec<ReserveAnswer>,
    #[serde(default)]
    events: Vec<EventFrame>,
}

#[derive(Deserialize)]
struct Entries<'a> {
    #[serde(borrow)]
    answers: Vec<&'a RawValue>,
    #[serde(default)]
    events: Vec<EventFrame>,
}

/// Parses the body of a 200 that answers entries with the operations `ops`.
pub fn parse(body: &[u8], ops: &[Operation]) -> Result<Replies, serde_json::Error> {
    // The common case: all entries are sales, and none is a problem.
    if ops.iter().all(|op| *op == Operation::Reserve)
        && let Ok(Sales { answers, events }) = serde_json::from_slice(body)
        && answers.len() == ops.len()
    {
        let replies = answers.into_iter().map(|sale| Ok(LinkReply::Decided(Answer::Sale(sale))));
        return Ok(Replies { replies: replies.collect(), events });
    }
    let Entries { answers, events } = serde_json::from_slice(body)?;
    Ok(Replies { replies: parse_entries(&answers, ops)?, events })
}

/// Parses the body of a 200 to sales alone, as `POST /reserve/batch` responds.
pub fn parse_sales(body: &[u8], sales: usize) -> Result<Vec<Reply>, serde_json::Error> {
    let entries: Vec<&RawValue> = serde_json::from_slice(body)?;
    parse_entries(&entries, &vec![Operation::Reserve; sales])
}

fn parse_entries(
    entries: &[&RawValue],
    ops: &[Operation],
) -> Result<Vec<Reply>, serde_json::Error> {
    if entries.len() != ops.len() {
        return Err(Error::invalid_length(entries.len(), &"as many entries as requests"));
    }
    Ok(entries.iter().zip(ops).map(|(entry, op)| parse_entry(entry.get(), *op)).collect())
}

/// Parses one entry. An invalid one fails its own request only.
fn parse_entry(entry: &str, op: Operation) -> Reply {
    if let Ok(reply) = parse_reply(entry, op) {
        return Ok(reply);
    }
    let details: Result<ProblemDetails, _> = serde_json::from_str(entry);
    let error = match details {
        Ok(details) => failure(details),
        Err(_) => None,
    };
    Err(error.unwrap_or_else(|| {
        tracing::error!("invalid batch entry in the response of vacancy");
        ClientError::Unknown
    }))
}

fn parse_reply(entry: &str, op: Operation) -> Result<LinkReply, serde_json::Error> {
    let read = |answer| Ok(LinkReply::Decided(answer));
    match op {
        Operation::Reserve => read(Answer::Sale(serde_json::from_str(entry)?)),
        Operation::Hold
        | Operation::Extend
        | Operation::StartPayment
        | Operation::Confirm
        | Operation::JoinWaitlist => read(Answer::Hold(serde_json::from_str(entry)?)),
        Operation::Release | Operation::LeaveWaitlist => {
            read(Answer::Release(serde_json::from_str(entry)?))
        }
        Operation::Refund => read(Answer::Refund(serde_json::from_str(entry)?)),
        Operation::ReadHold => serde_json::from_str(entry).map(LinkReply::Hold),
        Operation::ReadEvent => serde_json::from_str(entry).map(LinkReply::Event),
        Operation::ReadReservations => serde_json::from_str(entry).map(LinkReply::Reservations),
        Operation::JoinQueue => read(Answer::Joined(serde_json::from_str(entry)?)),
        Operation::ClaimPass => read(Answer::Pass(serde_json::from_str(entry)?)),
        Operation::ReadPlace => serde_json::from_str(entry).map(LinkReply::Place),
        Operation::ReadLeaves => serde_json::from_str(entry).map(LinkReply::Leaves),
    }
}

/// Returns the error for a problem in the place of an entry; `None` if it is none of vacancy's.
fn failure(details: ProblemDetails) -> Option<ClientError> {
    match (details.status, details.code.as_str()) {
        (503, "overloaded") => {
            Some(ClientError::Overloaded { retry_after_s: details.retry_after_s.unwrap_or(1) })
        }
        (503, _) => {
            let code = details.code.clone();
            Some(refused(details).unwrap_or_else(|| unavailable(&code)))
        }
        _ => refused(details),
    }
}

/// Returns the error for a 503 of vacancy with a code other than `overloaded`.
pub fn unavailable(code: &str) -> ClientError {
    match code {
        // vacancy could not reach its store, and did nothing.
        "store_unavailable" => ClientError::Unreachable,
        _ => ClientError::Unknown,
    }
}

/// Returns the error for a refusal, or `None` if `details` is not a refusal.
fn refused(details: ProblemDetails) -> Option<ClientError> {
    caller_problem(details)
        .map(|(problem, seq)| ClientError::Refused { problem: Box::new(problem), seq })
}
