//! One call to vacancy: `POST /internal/batch`.

use std::{sync::Arc, time::Duration};

use config::LiveTokens;
use http::{
    HeaderValue, Method, Request, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
    uri::InvalidUri,
};
use http_server::{extract::CallerDeadline, middleware::HOPS};
use public_api::{ClientError, TraceHeaders};
use tokio::time::{Instant, timeout_at};
use vacancy_api::{BatchEntry, BatchItem, Operation};

use super::{
    outcome::{CallOutcome, Delivery},
    pending::Pending,
    response::VacancyResponse,
    transport::{Transport, TransportError},
};

/// The longest body of a response to one request, bytes.
const RESPONSE_BYTES_MAX: usize = 65_536;
/// What each further request of a batch, and each entry of a page, adds to it, bytes.
const RESPONSE_BYTES_PER_ANSWER: usize = 4_096;

/// Calls vacancy at one address.
pub struct Caller {
    transport: Arc<dyn Transport>,
    batch: Uri,
    sales: Uri,
    seller_tokens: LiveTokens,
}

impl Caller {
    pub fn new(
        transport: Arc<dyn Transport>,
        url: &str,
        seller_tokens: LiveTokens,
    ) -> Result<Self, InvalidUri> {
        let uri = |path: &str| format!("{url}{path}").parse();
        Ok(Self {
            transport,
            batch: uri("/api/v1/internal/batch")?,
            sales: uri("/api/v1/reserve/batch")?,
            seller_tokens,
        })
    }

    /// Makes one call for all `requests`. The call ends at `deadline`.
    pub async fn call(
        &self,
        requests: &[Pending],
        trace: &TraceHeaders,
        deadline: Instant,
    ) -> CallOutcome {
        let now = Instant::now();
        let entries: Vec<_> = requests.iter().map(|pending| entry(pending, now)).collect();
        let call = post(&self.batch, serde_json::to_vec(&entries));
        let response = match self.send(call, requests, trace, deadline).await {
            Ok(response) => response,
            Err(outcome) => return outcome,
        };
        if response.is_unknown_call() {
            return self.call_older(requests, trace, deadline).await;
        }
        let ops: Vec<_> = entries.iter().map(|entry| entry.op).collect();
        self.reconnect_if_foreign(&response, response.interpret(&ops))
    }

    /// Makes the call to a release of vacancy that knows batches of sales only, as there is for a
    /// moment while both services are updated. It does nothing of other requests.
    async fn call_older(
        &self,
        requests: &[Pending],
        trace: &TraceHeaders,
        deadline: Instant,
    ) -> CallOutcome {
        let is_sale = |pending: &&Pending| pending.request.entry.op == Operation::Reserve;
        let now = Instant::now();
        let sales: Vec<_> = requests.iter().filter(is_sale).map(|sale| item(sale, now)).collect();
        let mut replies = Vec::new().into_iter();
        if !sales.is_empty() {
            let call = post(&self.sales, serde_json::to_vec(&sales));
            let response = match self.send(call, requests, trace, deadline).await {
                Ok(response) => response,
                Err(outcome) => return outcome,
            };
            match self.reconnect_if_foreign(&response, response.interpret_sales(sales.len())) {
                CallOutcome::Replies { replies: sold, .. } => replies = sold.into_iter(),
                other => return other,
            }
        }
        let replies = requests.iter().map(|pending| {
            let reply = is_sale(&pending).then(|| replies.next()).flatten();
            reply.unwrap_or(Err(ClientError::Unreachable))
        });
        CallOutcome::Replies { replies: replies.collect(), events: Vec::new() }
    }

    async fn send(
        &self,
        mut call: Request<Vec<u8>>,
        requests: &[Pending],
        trace: &TraceHeaders,
        deadline: Instant,
    ) -> Result<VacancyResponse, CallOutcome> {
        let headers = call.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // vacancy must decide nothing after the callers have stopped waiting.
        let timeout_ms = remaining_ms(deadline, Instant::now());
        headers.insert(CallerDeadline::HEADER, timeout_ms.into());
        if requests.iter().any(|pending| pending.request.entry.seller)
            && let Some(token) = self.authorization()
        {
            headers.insert(AUTHORIZATION, token);
        }
        // A batch is traced as its first request; the keys of the others are in the body.
        trace.clone().insert_into(headers);
        let hops = requests.iter().map(|pending| pending.request.trace.hops()).max();
        headers.insert(HOPS, hops.unwrap_or(0).saturating_add(1).into());
        let pages = requests.iter().filter_map(|pending| pending.request.entry.limit);
        let answers = requests.len() + pages.sum::<usize>();
        let bytes_max = RESPONSE_BYTES_MAX + RESPONSE_BYTES_PER_ANSWER * answers;
        match timeout_at(deadline, self.transport.send(call, bytes_max)).await {
            Ok(Ok(response)) => Ok(VacancyResponse::from(response)),
            Ok(Err(TransportError::Connect(_))) => {
                Err(CallOutcome::Interrupted { delivery: Delivery::NotSent })
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "call to vacancy failed");
                Err(CallOutcome::Interrupted { delivery: Delivery::MaybeDelivered })
            }
            Err(_) => Err(CallOutcome::TimedOut),
        }
    }

    fn reconnect_if_foreign(
        &self,
        response: &VacancyResponse,
        outcome: CallOutcome,
    ) -> CallOutcome {
        if response.is_foreign(&outcome) {
            self.transport.reconnect();
        }
        outcome
    }

    /// The seller's token as ticket itself has it: vacancy need not know that of the caller, who
    /// may be an administrator.
    fn authorization(&self) -> Option<HeaderValue> {
        let tokens = self.seller_tokens.current()?;
        let mut value =
            HeaderValue::try_from(format!("Bearer {}", tokens.first()?.expose())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

fn post(uri: &Uri, body: serde_json::Result<Vec<u8>>) -> Request<Vec<u8>> {
    let mut request = Request::new(body.unwrap_or_default());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.clone();
    request
}

fn entry(pending: &Pending, now: Instant) -> BatchEntry {
    let timeout_ms = Some(remaining_ms(pending.deadline, now));
    BatchEntry { timeout_ms, ..pending.request.entry.clone() }
}

/// A sale has a quantity and, because the handler generates one with
/// [`make_key`](public_api::VacancyClient::make_key), a key.
fn item(pending: &Pending, now: Instant) -> Option<BatchItem> {
    let BatchEntry { qty, key, event, customer, seller, .. } = pending.request.entry.clone();
    let timeout_ms = Some(remaining_ms(pending.deadline, now));
    Some(BatchItem { qty: qty?, key: key?, event, customer, seller, timeout_ms })
}

fn remaining_ms(deadline: Instant, now: Instant) -> u64 {
    u64::try_from(deadline.saturating_duration_since(now).max(Duration::from_millis(1)).as_millis())
        .unwrap_or(u64::MAX)
}
