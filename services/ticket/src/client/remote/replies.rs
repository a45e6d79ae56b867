//! Replies in the body of a response: one per purchase, each a sale or a problem.

use http_server::problem::ProblemDetails;
use serde_json::value::RawValue;
use vacancy_api::ReserveAnswer;

use super::{
    super::{error::ClientError, refusals::buyer_problem},
    pending::Reply,
};

/// Parses the body of a 200 that answers `purchases` purchases.
pub fn parse(body: &[u8], purchases: usize) -> Result<Vec<Reply>, serde_json::Error> {
    if purchases == 1 {
        return serde_json::from_slice(body).map(|answer| vec![Ok(answer)]);
    }
    // The common case: no entry is a problem.
    if let Ok(answers) = serde_json::from_slice::<Vec<ReserveAnswer>>(body)
        && answers.len() == purchases
    {
        return Ok(answers.into_iter().map(Ok).collect());
    }
    let entries: Vec<&RawValue> = serde_json::from_slice(body)?;
    if entries.len() != purchases {
        return Err(serde::de::Error::invalid_length(
            entries.len(),
            &"as many entries as purchases",
        ));
    }
    Ok(entries.into_iter().map(|entry| parse_entry(entry.get())).collect())
}

/// Parses one entry of a batch. An invalid entry fails its own purchase only.
fn parse_entry(entry: &str) -> Reply {
    if let Ok(answer) = serde_json::from_str::<ReserveAnswer>(entry) {
        return Ok(answer);
    }
    let details: Result<ProblemDetails, _> = serde_json::from_str(entry);
    let error = match details {
        Ok(details) if details.status == 503 && details.code == "overloaded" => {
            Some(ClientError::Overloaded { retry_after_s: details.retry_after_s.unwrap_or(1) })
        }
        Ok(details) if details.status == 503 => Some(unavailable(&details.code)),
        Ok(details) => refused(details),
        Err(_) => None,
    };
    Err(error.unwrap_or_else(|| {
        tracing::error!("invalid batch entry in the response of vacancy");
        ClientError::Unknown
    }))
}

/// Returns the error for a 503 of vacancy with a code other than `overloaded`.
pub fn unavailable(code: &str) -> ClientError {
    match code {
        // vacancy could not reach its store, and did nothing.
        "store_unavailable" => ClientError::Unreachable,
        _ => ClientError::Unknown,
    }
}

/// Returns the error for a refusal, or `None` if `details` is not a refusal of a sale.
pub fn refused(details: ProblemDetails) -> Option<ClientError> {
    buyer_problem(details)
        .map(|(problem, seq)| ClientError::Refused { problem: Box::new(problem), seq })
}
