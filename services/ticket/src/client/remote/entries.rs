//! The entries of reads, and what their replies may be.

use draw::Leaf;
use http_server::Problem;
use inventory::EventName;
use public_api::{ClientError, ReservationRequest};
use vacancy_api::{BatchEntry, Operation};

use super::pending::LinkReply;

/// Places of a page, so that its answer fits: it counts 4 KiB for each of `limit`.
const LEAVES_MAX: usize = 1_024;

/// The entry that reads a place.
pub fn place(event: &EventName, leaf: Leaf) -> BatchEntry {
    BatchEntry {
        event: Some(event.clone()),
        leaves: Some(vec![leaf]),
        ..BatchEntry::new(Operation::ReadPlace)
    }
}

/// The entry that reads places from a record on.
pub fn leaves(event: &EventName, after: u64) -> BatchEntry {
    BatchEntry {
        event: Some(event.clone()),
        after: Some(after),
        limit: Some(LEAVES_MAX),
        ..BatchEntry::new(Operation::ReadLeaves)
    }
}

/// The entry for a look-up, which the seller alone may make.
pub fn lookup(request: ReservationRequest) -> BatchEntry {
    let ReservationRequest { customer, payment_ref, event, before, limit } = request;
    BatchEntry {
        id: before,
        event,
        customer,
        payment_ref,
        limit: Some(limit),
        seller: true,
        ..BatchEntry::new(Operation::ReadReservations)
    }
}

/// `None` if the reply is the refusal `code`.
pub fn found(
    reply: Result<LinkReply, ClientError>,
    code: &str,
) -> Result<Option<LinkReply>, ClientError> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(ClientError::Refused { problem, .. }) if problem.code() == code => Ok(None),
        Err(error) => Err(error),
    }
}

/// A reply to another request: it must not look like a success.
pub fn defect() -> ClientError {
    tracing::error!("BUG: a request or its reply is of the wrong kind");
    let problem = Problem::internal("The request could not be handled.");
    ClientError::Refused { problem: Box::new(problem), seq: None }
}
