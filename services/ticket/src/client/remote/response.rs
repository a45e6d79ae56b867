//! Interprets a response to a call, which may come from vacancy, from a proxy in front of it, or
//! from another host at its address.

use http::{Response, StatusCode, header::RETRY_AFTER};
use http_server::problem::ProblemDetails;
use public_api::ClientError;
use vacancy_api::Operation;

use super::{
    super::refusals::rate_limited,
    breaker::Verdict,
    outcome::{CallOutcome, Delivery},
    replies::{self, Replies, unavailable},
};

/// The parts of a response that matter.
pub struct VacancyResponse {
    status: StatusCode,
    retry_after_s: Option<u32>,
    /// Truncated if it is longer than any response of vacancy.
    body: Vec<u8>,
}

impl From<Response<Vec<u8>>> for VacancyResponse {
    fn from(response: Response<Vec<u8>>) -> Self {
        let retry_after_s =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Self { status: response.status(), retry_after_s, body: response.into_body() }
    }
}

impl VacancyResponse {
    /// Returns the outcome of a call for requests with the operations `ops`.
    pub fn interpret(&self, ops: &[Operation]) -> CallOutcome {
        if self.status == StatusCode::OK {
            let parsed = replies::parse(&self.body, ops);
            return complete(parsed);
        }
        self.interpret_failure(ops.len())
    }

    /// Returns the outcome of a call for `sales` sales to a release of vacancy without batches of
    /// other requests.
    pub fn interpret_sales(&self, sales: usize) -> CallOutcome {
        if self.status == StatusCode::OK {
            let parsed = replies::parse_sales(&self.body, sales);
            return complete(parsed.map(|replies| Replies { replies, events: Vec::new() }));
        }
        self.interpret_failure(sales)
    }

    /// Checks whether vacancy, or what is at its address, does not know the call.
    pub fn is_unknown_call(&self) -> bool {
        let details: Result<ProblemDetails, _> = serde_json::from_slice(&self.body);
        self.status == StatusCode::NOT_FOUND
            && details.is_ok_and(|details| details.code == "not_found")
    }

    fn interpret_failure(&self, requests: usize) -> CallOutcome {
        let details: Option<ProblemDetails> = serde_json::from_slice(&self.body).ok();
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => self.limited(details),
            StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT => server_failure(details),
            StatusCode::LOOP_DETECTED if is_loop(details.as_ref()) => {
                tracing::error!("a call to VACANCY_URL came back to a ticket service");
                CallOutcome::Failed(ClientError::Unreachable, Verdict::Failure)
            }
            status if status.is_client_error() && requests > 1 => CallOutcome::BatchRefused,
            status => unexpected(status),
        }
    }

    /// Checks whether another host sent the response: it is neither a response of vacancy nor a
    /// problem.
    pub fn is_foreign(&self, outcome: &CallOutcome) -> bool {
        matches!(outcome, CallOutcome::Failed(ClientError::Unknown, _))
            && serde_json::from_slice::<ProblemDetails>(&self.body).is_err()
    }

    /// A 429. Both vacancy and a proxy send it before they act on the call.
    fn limited(&self, details: Option<ProblemDetails>) -> CallOutcome {
        let retry_after_s =
            details.and_then(|details| details.retry_after_s).or(self.retry_after_s).unwrap_or(1);
        let problem = Box::new(rate_limited(retry_after_s));
        CallOutcome::Failed(ClientError::Refused { problem, seq: None }, Verdict::Neutral)
    }
}

fn complete(parsed: Result<Replies, serde_json::Error>) -> CallOutcome {
    match parsed {
        Ok(Replies { replies, events }) => CallOutcome::Replies { replies, events },
        Err(error) => {
            tracing::error!(%error, "invalid response from vacancy");
            CallOutcome::Failed(ClientError::Unknown, Verdict::Failure)
        }
    }
}

/// A 502, 503 or 504. Only vacancy can say that nothing was done; a proxy cannot.
fn server_failure(details: Option<ProblemDetails>) -> CallOutcome {
    match details {
        Some(details) if details.code == "overloaded" => CallOutcome::Failed(
            ClientError::Overloaded { retry_after_s: details.retry_after_s.unwrap_or(1) },
            Verdict::Neutral,
        ),
        Some(details) => CallOutcome::Failed(unavailable(&details.code), Verdict::Failure),
        None => CallOutcome::Interrupted { delivery: Delivery::MaybeDelivered },
    }
}

/// Checks for the problem of a ticket service, which did nothing.
fn is_loop(details: Option<&ProblemDetails>) -> bool {
    details.is_some_and(|details| details.code == "loop_detected")
}

fn unexpected(status: StatusCode) -> CallOutcome {
    tracing::error!(%status, "unexpected status from vacancy");
    CallOutcome::Failed(ClientError::Unknown, Verdict::Failure)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vacancy_api::Answer;

    use super::{
        super::pending::{LinkReply, Reply},
        *,
    };

    fn interpret(status: u16, body: &str, sales: usize) -> CallOutcome {
        let status = StatusCode::from_u16(status).unwrap();
        VacancyResponse { status, retry_after_s: None, body: body.as_bytes().to_vec() }
            .interpret(&vec![Operation::Reserve; sales])
    }

    fn problem(status: u16, code: &str) -> String {
        format!(
            r#"{{"type":"t","title":"T","status":{status},"detail":"d","error":"T","code":"{code}","seq":7}}"#
        )
    }

    #[test]
    fn each_purchase_of_a_batch_gets_its_own_reply() {
        let sold = r#"{"success":true,"remaining":3,"message":"Reserved 1 tickets","reservation_id":"r","seq":5}"#;
        let problems = [
            (409, "limit_exceeded"),
            (503, "overloaded"),
            (503, "outcome_unknown"),
            (503, "store_unavailable"),
        ];
        let problems = problems.map(|(status, code)| problem(status, code)).join(",");
        let body = format!("{{\"answers\":[{sold},{problems},{{\"success\":1}}]}}");
        let CallOutcome::Replies { replies, .. } = interpret(200, &body, 6) else {
            panic!("{body}")
        };
        assert!(matches!(
            &replies[0],
            Ok(LinkReply::Decided(Answer::Sale(sale))) if sale.success && sale.seq == 5
        ));
        assert!(matches!(&replies[1], Err(ClientError::Refused { seq: Some(7), .. })));
        assert!(matches!(&replies[2], Err(ClientError::Overloaded { .. })));
        assert!(matches!(&replies[3], Err(ClientError::Unknown)));
        assert!(matches!(&replies[4], Err(ClientError::Unreachable)));
        assert!(
            matches!(&replies[5], Err(ClientError::Unknown)),
            "an invalid entry fails its own purchase only"
        );
        assert!(
            matches!(
                interpret(200, &body, 3),
                CallOutcome::Failed(ClientError::Unknown, Verdict::Failure)
            ),
            "the number of answers is wrong"
        );
    }

    #[test]
    fn response_of_vacancy_differs_from_one_of_a_proxy() {
        assert!(matches!(
            interpret(503, &problem(503, "overloaded"), 2),
            CallOutcome::Failed(ClientError::Overloaded { .. }, Verdict::Neutral)
        ));
        assert!(matches!(
            interpret(429, "", 2),
            CallOutcome::Failed(ClientError::Refused { .. }, Verdict::Neutral)
        ));
        assert!(matches!(
            interpret(503, "<html>", 2),
            CallOutcome::Interrupted { delivery: Delivery::MaybeDelivered }
        ));
        assert!(matches!(
            interpret(502, "", 1),
            CallOutcome::Interrupted { delivery: Delivery::MaybeDelivered }
        ));
        assert!(matches!(
            interpret(503, &problem(503, "outcome_unknown"), 1),
            CallOutcome::Failed(ClientError::Unknown, Verdict::Failure)
        ));
        assert!(matches!(
            interpret(503, &problem(503, "store_unavailable"), 1),
            CallOutcome::Failed(ClientError::Unreachable, Verdict::Failure)
        ));
        assert!(matches!(
            interpret(404, "", 1),
            CallOutcome::Failed(ClientError::Unknown, Verdict::Failure)
        ));
        for sales in [1, 2] {
            assert!(matches!(
                interpret(508, &problem(508, "loop_detected"), sales),
                CallOutcome::Failed(ClientError::Unreachable, Verdict::Failure)
            ));
            assert!(matches!(
                interpret(508, "", sales),
                CallOutcome::Failed(ClientError::Unknown, Verdict::Failure)
            ));
        }
        for status in [400, 404, 413, 422, 431] {
            assert!(matches!(interpret(status, "", 2), CallOutcome::BatchRefused), "{status}");
        }
        assert!(matches!(
            interpret(500, "", 2),
            CallOutcome::Failed(ClientError::Unknown, Verdict::Failure)
        ));
    }

    #[test]
    fn one_decision_in_a_batch_counts_as_success() {
        let verdict = |codes: &[(u16, &str)]| {
            let entries: Vec<_> =
                codes.iter().map(|(status, code)| problem(*status, code)).collect();
            interpret(200, &format!("{{\"answers\":[{}]}}", entries.join(",")), codes.len())
                .verdict()
        };
        let (unknown, busy) = ((503, "outcome_unknown"), (503, "overloaded"));
        assert_eq!(verdict(&[unknown, (503, "store_unavailable")]), Verdict::Failure);
        assert_eq!(verdict(&[unknown, busy]), Verdict::Neutral);
        assert_eq!(verdict(&[unknown, busy, (409, "limit_exceeded")]), Verdict::Success);
    }

    /// Generates bodies that are almost valid: valid ones with numbers, names or brackets changed.
    fn bodies() -> impl Strategy<Value = String> {
        let answers = [
            r#"{"success":true,"remaining":3,"message":"m","reservation_id":"r","seq":5}"#
                .to_owned(),
            r#"{"id":"h","state":"confirmed","items":[{"stock":"general","qty":1}],"seq":5}"#
                .to_owned(),
            r#"{"state":"released","seq":5}"#.to_owned(),
            problem(503, "overloaded"),
            problem(503, "too_many_holds"),
            problem(409, "limit_exceeded"),
            "null".to_owned(),
        ];
        let one = (
            proptest::sample::select(answers.to_vec()),
            any::<proptest::sample::Index>(),
            "\\PC{0,6}",
        )
            .prop_map(|(text, at, piece)| {
                let mut chars: Vec<char> = text.chars().collect();
                let at = at.index(chars.len());
                chars.splice(
                    at..(at + piece.chars().count() / 2).min(text.chars().count()),
                    piece.chars(),
                );
                chars.into_iter().collect::<String>()
            });
        prop_oneof![
            "\\PC{0,200}",
            one.clone(),
            proptest::collection::vec(one, 0..5)
                .prop_map(|all| format!("{{\"answers\":[{}]}}", all.join(","))),
        ]
    }

    const OPERATIONS: [Operation; 16] = [
        Operation::Reserve,
        Operation::Hold,
        Operation::Extend,
        Operation::StartPayment,
        Operation::Confirm,
        Operation::Release,
        Operation::Refund,
        Operation::ReadHold,
        Operation::ReadEvent,
        Operation::ReadReservations,
        Operation::JoinWaitlist,
        Operation::LeaveWaitlist,
        Operation::JoinQueue,
        Operation::ClaimPass,
        Operation::ReadPlace,
        Operation::ReadLeaves,
    ];

    /// Whether a success is one of the kind that was asked for.
    fn fits(reply: &Reply, op: Operation) -> bool {
        match reply {
            Ok(LinkReply::Decided(Answer::Sale(_))) => op == Operation::Reserve,
            Ok(LinkReply::Decided(Answer::Refund(_))) => op == Operation::Refund,
            Ok(LinkReply::Decided(Answer::Release(_))) => {
                matches!(op, Operation::Release | Operation::LeaveWaitlist)
            }
            Ok(LinkReply::Decided(Answer::Hold(_))) => matches!(
                op,
                Operation::Hold
                    | Operation::Extend
                    | Operation::StartPayment
                    | Operation::Confirm
                    | Operation::JoinWaitlist
            ),
            Ok(LinkReply::Hold(_)) => op == Operation::ReadHold,
            Ok(LinkReply::Event(_)) => op == Operation::ReadEvent,
            Ok(LinkReply::Reservations(_)) => op == Operation::ReadReservations,
            Ok(LinkReply::Decided(Answer::Joined(_))) => op == Operation::JoinQueue,
            Ok(LinkReply::Decided(Answer::Pass(_))) => op == Operation::ClaimPass,
            Ok(LinkReply::Place(_)) => op == Operation::ReadPlace,
            Ok(LinkReply::Leaves(_)) => op == Operation::ReadLeaves,
            Err(_) => false,
        }
    }

    #[test]
    fn a_problem_is_never_taken_for_a_success() {
        for code in ["hold_released", "hold_confirmed", "unheard_of"] {
            let body = format!("{{\"answers\":[{}]}}", problem(409, code));
            for op in OPERATIONS {
                let response = VacancyResponse {
                    status: StatusCode::OK,
                    retry_after_s: None,
                    body: body.clone().into_bytes(),
                };
                let CallOutcome::Replies { replies, .. } = response.interpret(&[op]) else {
                    panic!("{body}")
                };
                assert!(replies[0].is_err(), "{op:?}: {:?}", replies[0]);
            }
        }
    }

    proptest! {
        #[test]
        fn any_response_answers_each_request_or_all(
            status in 200_u16..600,
            body in bodies(),
            ops in proptest::collection::vec(proptest::sample::select(&OPERATIONS[..]), 1..5),
        ) {
            let status = StatusCode::from_u16(status).unwrap();
            let body = body.into_bytes();
            let response = VacancyResponse { status, retry_after_s: None, body };
            let outcome = response.interpret(&ops);
            let _ = response.is_foreign(&outcome);
            if let CallOutcome::Replies { replies, .. } = outcome {
                prop_assert_eq!(replies.len(), ops.len());
                let done = replies.iter().filter(|reply: &&Reply| reply.is_ok()).count();
                prop_assert!(done == 0 || status == StatusCode::OK, "only a 200 decides");
                for (reply, op) in replies.iter().zip(&ops) {
                    prop_assert!(reply.as_ref().is_err() || fits(reply, *op), "{op:?}: {reply:?}");
                }
            }
        }
    }
}
