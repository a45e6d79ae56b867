//! One call to vacancy: `POST /reserve` for one order, `POST /reserve/batch` for several.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderValue, Method, Request, Response, StatusCode, Uri,
    header::{CONTENT_TYPE, RETRY_AFTER},
    uri::InvalidUri,
};
use http_server::{extract::CallerDeadline, problem::ProblemDetails};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use vacancy_api::{BatchItem, ReserveAnswer, ReserveBody, quoted};

use super::{
    super::{
        ClientError, IDEMPOTENCY_KEY, Order, Trace,
        refusals::{passed_on, rate_limited},
    },
    breaker::Verdict,
    gather::{Told, Waiting},
    transport::{Transport, TransportError},
};

/// The longest answer to one order that is read, bytes.
const ANSWER_MAX: usize = 65_536;
/// And to each further order of a batch.
const ANSWER_MORE: usize = 2_048;

/// How a call ended.
pub enum Ended {
    /// An answer for each order, in order.
    Answered(Vec<Told>),
    /// The same for all; [`Verdict::Neutral`] when it is vacancy that would not.
    All(ClientError, Verdict),
    /// Refused for what stands in it or for how much that is, before anything was done: fewer
    /// orders may well go.
    NotTogether,
    /// It broke off; trying again with the same keys is safe. `sent` is false when vacancy has
    /// certainly not seen it.
    Broken { sent: bool },
}

impl Ended {
    /// Why there is no answer, for traces.
    pub fn failure(&self) -> Option<&'static str> {
        match self {
            Self::Answered(_) => None,
            Self::All(_, Verdict::Neutral) | Self::NotTogether => Some("refused"),
            Self::All(..) => Some("no answer"),
            Self::Broken { .. } => Some("broken off"),
        }
    }

    /// What it says of vacancy. One decision is enough to know that it works.
    pub fn verdict(&self) -> Verdict {
        use ClientError::{Overloaded, Unknown, Unreachable};
        match self {
            Self::Answered(told)
                if told.iter().all(|told| matches!(told, Err(Unknown | Unreachable))) =>
            {
                Verdict::Failure
            }
            Self::Answered(told)
                if told
                    .iter()
                    .all(|told| matches!(told, Err(Overloaded { .. } | Unknown | Unreachable))) =>
            {
                Verdict::Neutral
            }
            Self::Answered(_) => Verdict::Success,
            Self::All(_, verdict) => *verdict,
            Self::NotTogether => Verdict::Neutral,
            Self::Broken { .. } => Verdict::Failure,
        }
    }
}

/// Where to call.
pub struct Caller {
    transport: Arc<dyn Transport>,
    reserve: Uri,
    batch: Uri,
}

impl Caller {
    pub fn new(transport: Arc<dyn Transport>, url: &str) -> Result<Self, InvalidUri> {
        let uri = |path: &str| format!("{url}{path}").parse();
        Ok(Self {
            transport,
            reserve: uri("/api/v1/reserve")?,
            batch: uri("/api/v1/reserve/batch")?,
        })
    }

    /// Calls for all of `orders`; `deadline` is that of the call.
    pub async fn call(&self, orders: &[Waiting], trace: Trace, deadline: Instant) -> Ended {
        let now = Instant::now();
        // What vacancy has not decided when nobody waits for it any more, it shall not sell.
        let timeout_ms = left_ms(deadline, now);
        let mut request = match orders {
            [one] => self.single(&one.order),
            several => self.several(several, now),
        };
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CallerDeadline::HEADER, timeout_ms.into());
        // It is followed under the name of its first order; the others' keys are in its body.
        trace.put_on(headers);
        match timeout_at(
            deadline,
            self.transport.send(request, ANSWER_MAX + ANSWER_MORE * orders.len()),
        )
        .await
        {
            Ok(Ok(response)) => {
                let answer = Answer::from(response);
                let ended = answer.judge(orders.len());
                if answer.is_foreign(&ended) {
                    self.transport.renew();
                }
                ended
            }
            Ok(Err(TransportError::Connect(_))) => Ended::Broken { sent: false },
            Ok(Err(error)) => {
                tracing::warn!(%error, "a call to vacancy broke off");
                Ended::Broken { sent: true }
            }
            Err(_) => Ended::All(ClientError::Unknown, Verdict::Failure),
        }
    }

    fn single(&self, order: &Order) -> Request<Vec<u8>> {
        let body = ReserveBody { qty: order.qty, customer: order.customer.clone() };
        let mut request = post(&self.reserve, serde_json::to_vec(&body));
        // A key is visible ASCII: it is always a header.
        if let Some(key) =
            order.key.as_ref().and_then(|key| HeaderValue::try_from(quoted(key)).ok())
        {
            request.headers_mut().insert(IDEMPOTENCY_KEY, key);
        }
        request
    }

    fn several(&self, orders: &[Waiting], now: Instant) -> Request<Vec<u8>> {
        let items: Vec<_> = orders.iter().filter_map(|waiting| item(waiting, now)).collect();
        post(&self.batch, serde_json::to_vec(&items))
    }
}

fn post(uri: &Uri, body: serde_json::Result<Vec<u8>>) -> Request<Vec<u8>> {
    let mut request = Request::new(body.unwrap_or_default());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.clone();
    request
}

/// Every order has a key here: [`make_key`](super::RemoteVacancyClient) makes it.
fn item(waiting: &Waiting, now: Instant) -> Option<BatchItem> {
    let Order { qty, customer, key, .. } = &waiting.order;
    let timeout_ms = Some(left_ms(waiting.deadline, now));
    Some(BatchItem {
        qty: *qty,
        key: key.clone()?,
        event: None,
        customer: customer.clone(),
        timeout_ms,
    })
}

fn left_ms(deadline: Instant, now: Instant) -> u64 {
    u64::try_from(deadline.saturating_duration_since(now).max(Duration::from_millis(1)).as_millis())
        .unwrap_or(u64::MAX)
}

/// What is read of an answer.
struct Answer {
    status: StatusCode,
    retry_after_s: Option<u32>,
    /// Cut off where it is longer than any answer of vacancy.
    body: Vec<u8>,
}

impl From<Response<Vec<u8>>> for Answer {
    fn from(response: Response<Vec<u8>>) -> Self {
        let retry_after_s =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Self { status: response.status(), retry_after_s, body: response.into_body() }
    }
}

impl Answer {
    fn judge(&self, orders: usize) -> Ended {
        if self.status == StatusCode::OK {
            return self.answers(orders).map_or_else(
                |error| {
                    tracing::error!(%error, "vacancy gave an answer that is none");
                    Ended::All(ClientError::Unknown, Verdict::Failure)
                },
                Ended::Answered,
            );
        }
        let details: Option<ProblemDetails> = serde_json::from_slice(&self.body).ok();
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => {
                // Whoever said it, vacancy or a proxy, has not let the call in.
                let told_s = details
                    .and_then(|details| details.retry_after_s)
                    .or(self.retry_after_s)
                    .unwrap_or(1);
                Ended::All(
                    ClientError::Refused { problem: Box::new(rate_limited(told_s)), seq: None },
                    Verdict::Neutral,
                )
            }
            StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::BAD_GATEWAY
            | StatusCode::GATEWAY_TIMEOUT => match details {
                // Only vacancy itself can say that nothing was done; a proxy in between cannot.
                Some(details) if details.code == "overloaded" => Ended::All(
                    ClientError::Overloaded { retry_after_s: details.retry_after_s.unwrap_or(1) },
                    Verdict::Neutral,
                ),
                Some(details) => Ended::All(unavailable(&details.code), Verdict::Failure),
                None => Ended::Broken { sent: true },
            },
            status if orders == 1 => match details.and_then(refused) {
                Some(refused) => Ended::Answered(vec![Err(refused)]),
                None => unexpected(status),
            },
            status if status.is_client_error() => Ended::NotTogether,
            status => unexpected(status),
        }
    }

    /// Whether it can only have come from somebody else: it is none of vacancy's, and no problem
    /// either.
    fn is_foreign(&self, judged: &Ended) -> bool {
        matches!(judged, Ended::All(ClientError::Unknown, _))
            && serde_json::from_slice::<ProblemDetails>(&self.body).is_err()
    }

    fn answers(&self, orders: usize) -> Result<Vec<Told>, serde_json::Error> {
        if orders == 1 {
            return serde_json::from_slice(&self.body).map(|answer| vec![Ok(answer)]);
        }
        // Mostly all of them are answers to sales.
        if let Ok(answers) = serde_json::from_slice::<Vec<ReserveAnswer>>(&self.body)
            && answers.len() == orders
        {
            return Ok(answers.into_iter().map(Ok).collect());
        }
        let slots: Vec<&RawValue> = serde_json::from_slice(&self.body)?;
        if slots.len() != orders {
            return Err(serde::de::Error::invalid_length(
                slots.len(),
                &"as many answers as orders",
            ));
        }
        Ok(slots.into_iter().map(|slot| told(slot.get())).collect())
    }
}

fn unexpected(status: StatusCode) -> Ended {
    tracing::error!(%status, "vacancy gave an unexpected answer");
    Ended::All(ClientError::Unknown, Verdict::Failure)
}

/// One answer of a batch: that of a sale, or a problem. One that is neither is the trouble of its
/// order alone.
fn told(slot: &str) -> Told {
    if let Ok(answer) = serde_json::from_str::<ReserveAnswer>(slot) {
        return Ok(answer);
    }
    let details: Result<ProblemDetails, _> = serde_json::from_str(slot);
    let error = match details {
        Ok(details) if details.status == 503 && details.code == "overloaded" => {
            Some(ClientError::Overloaded { retry_after_s: details.retry_after_s.unwrap_or(1) })
        }
        Ok(details) if details.status == 503 => Some(unavailable(&details.code)),
        Ok(details) => refused(details),
        Err(_) => None,
    };
    Err(error.unwrap_or_else(|| {
        tracing::error!("vacancy gave an order of a batch an answer that is none");
        ClientError::Unknown
    }))
}

/// A 503 of vacancy that is not for too much to do.
fn unavailable(code: &str) -> ClientError {
    match code {
        // It could not reach its store, and has done nothing.
        "store_unavailable" => ClientError::Unreachable,
        _ => ClientError::Unknown,
    }
}

fn refused(details: ProblemDetails) -> Option<ClientError> {
    passed_on(details)
        .map(|(problem, seq)| ClientError::Refused { problem: Box::new(problem), seq })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(status: u16, body: &str, orders: usize) -> Ended {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, retry_after_s: None, body: body.as_bytes().to_vec() }.judge(orders)
    }

    fn problem(status: u16, code: &str) -> String {
        format!(
            r#"{{"type":"t","title":"T","status":{status},"detail":"d","error":"T","code":"{code}","seq":7}}"#
        )
    }

    #[test]
    fn every_order_of_a_batch_has_its_own_answer() {
        let sold = r#"{"success":true,"remaining":3,"message":"Reserved 1 tickets","reservation_id":"r","seq":5}"#;
        let problems = [
            (409, "limit_exceeded"),
            (503, "overloaded"),
            (503, "outcome_unknown"),
            (503, "store_unavailable"),
        ];
        let problems = problems.map(|(status, code)| problem(status, code)).join(",");
        let body = format!("[{sold},{problems},{{\"success\":1}}]");
        let Ended::Answered(told) = judge(200, &body, 6) else { panic!("{body}") };
        assert!(matches!(&told[0], Ok(answer) if answer.success && answer.seq == 5));
        assert!(matches!(&told[1], Err(ClientError::Refused { seq: Some(7), .. })));
        assert!(matches!(&told[2], Err(ClientError::Overloaded { .. })));
        assert!(matches!(&told[3], Err(ClientError::Unknown)));
        assert!(matches!(&told[4], Err(ClientError::Unreachable)));
        assert!(
            matches!(&told[5], Err(ClientError::Unknown)),
            "what makes no sense is the trouble of one"
        );
        assert!(
            matches!(judge(200, &body, 3), Ended::All(ClientError::Unknown, Verdict::Failure)),
            "one answer too many"
        );
    }

    #[test]
    fn what_vacancy_says_of_all_is_told_from_what_a_proxy_says() {
        assert!(matches!(
            judge(503, &problem(503, "overloaded"), 2),
            Ended::All(ClientError::Overloaded { .. }, Verdict::Neutral)
        ));
        assert!(matches!(
            judge(429, "", 2),
            Ended::All(ClientError::Refused { .. }, Verdict::Neutral)
        ));
        assert!(matches!(judge(503, "<html>", 2), Ended::Broken { sent: true }));
        assert!(matches!(judge(502, "", 1), Ended::Broken { sent: true }));
        assert!(matches!(
            judge(503, &problem(503, "outcome_unknown"), 1),
            Ended::All(ClientError::Unknown, Verdict::Failure)
        ));
        assert!(matches!(judge(404, &problem(404, "event_not_found"), 1), Ended::Answered(_)));
        assert!(matches!(
            judge(503, &problem(503, "store_unavailable"), 1),
            Ended::All(ClientError::Unreachable, Verdict::Failure)
        ));
        assert!(matches!(judge(404, "", 1), Ended::All(ClientError::Unknown, Verdict::Failure)));
        for status in [400, 404, 413, 422, 431] {
            assert!(matches!(judge(status, "", 2), Ended::NotTogether), "{status}");
        }
        assert!(matches!(judge(500, "", 2), Ended::All(ClientError::Unknown, Verdict::Failure)));
    }

    #[test]
    fn a_batch_speaks_for_vacancy_when_something_in_it_was_decided() {
        let verdict = |codes: &[(u16, &str)]| {
            let slots: Vec<_> = codes.iter().map(|(status, code)| problem(*status, code)).collect();
            judge(200, &format!("[{}]", slots.join(",")), codes.len()).verdict()
        };
        let (unknown, busy) = ((503, "outcome_unknown"), (503, "overloaded"));
        assert_eq!(verdict(&[unknown, (503, "store_unavailable")]), Verdict::Failure);
        assert_eq!(verdict(&[unknown, busy]), Verdict::Neutral);
        assert_eq!(verdict(&[unknown, busy, (409, "limit_exceeded")]), Verdict::Success);
    }

    /// Bodies that are nearly answers: numbers, names and brackets are changed in a true one.
    fn bodies() -> impl Strategy<Value = String> {
        let answers = [
            r#"{"success":true,"remaining":3,"message":"m","reservation_id":"r","seq":5}"#
                .to_owned(),
            problem(503, "overloaded"),
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
            proptest::collection::vec(one, 0..5).prop_map(|all| format!("[{}]", all.join(","))),
        ]
    }

    proptest! {
        #[test]
        fn whatever_comes_back_is_an_answer_to_each_or_to_all(status in 200_u16..600, body in bodies(), orders in 1_usize..5) {
            let answer = Answer { status: StatusCode::from_u16(status).unwrap(), retry_after_s: None, body: body.into_bytes() };
            let ended = answer.judge(orders);
            let _ = answer.is_foreign(&ended);
            if let Ended::Answered(told) = ended {
                prop_assert_eq!(told.len(), orders);
                let sold = told.iter().filter(|told| told.as_ref().is_ok_and(|answer| answer.success)).count();
                prop_assert!(sold == 0 || status == 200, "only a 200 sells");
            }
        }
    }
}
