//! One call to vacancy: `POST /reserve` for one purchase, `POST /reserve/batch` for several.

use std::{sync::Arc, time::Duration};

use config::LiveTokens;
use http::{
    HeaderValue, Method, Request, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
    uri::InvalidUri,
};
use http_server::{
    extract::{CallerDeadline, IdempotencyKey},
    middleware::HOPS,
};
use tokio::time::{Instant, timeout_at};
use vacancy_api::{BatchItem, ReserveBody, quoted};

use super::{
    super::{error::ClientError, purchase_request::PurchaseRequest, trace_headers::TraceHeaders},
    breaker::Verdict,
    outcome::{CallOutcome, Delivery},
    pending::Pending,
    response::VacancyResponse,
    transport::{Transport, TransportError},
};

/// The longest body of a response to one purchase, bytes.
const RESPONSE_BYTES_MAX: usize = 65_536;
/// What each further purchase of a batch adds to it, bytes.
const RESPONSE_BYTES_PER_PURCHASE: usize = 2_048;

/// Calls vacancy at one address.
pub struct Caller {
    transport: Arc<dyn Transport>,
    reserve: Uri,
    batch: Uri,
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
            reserve: uri("/api/v1/reserve")?,
            batch: uri("/api/v1/reserve/batch")?,
            seller_tokens,
        })
    }

    /// Makes one call for all `purchases`. The call ends at `deadline`.
    pub async fn call(
        &self,
        purchases: &[Pending],
        trace: TraceHeaders,
        deadline: Instant,
    ) -> CallOutcome {
        let now = Instant::now();
        let mut request = match purchases {
            [one] => self.single(&one.purchase),
            several => self.batch(several, now),
        };
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // vacancy must not sell after the buyers have stopped waiting.
        headers.insert(CallerDeadline::HEADER, remaining_ms(deadline, now).into());
        if purchases.iter().any(|pending| pending.purchase.caller.may_sell())
            && let Some(token) = self.authorization()
        {
            headers.insert(AUTHORIZATION, token);
        }
        // A batch is traced as its first purchase; the keys of the others are in the body.
        trace.insert_into(headers);
        let hops = purchases.iter().map(|pending| pending.purchase.trace.hops()).max();
        headers.insert(HOPS, hops.unwrap_or(0).saturating_add(1).into());
        let bytes_max = RESPONSE_BYTES_MAX + RESPONSE_BYTES_PER_PURCHASE * purchases.len();
        match timeout_at(deadline, self.transport.send(request, bytes_max)).await {
            Ok(Ok(response)) => {
                let response = VacancyResponse::from(response);
                let outcome = response.interpret(purchases.len());
                if response.is_foreign(&outcome) {
                    self.transport.reconnect();
                }
                outcome
            }
            Ok(Err(TransportError::Connect(_))) => {
                CallOutcome::Interrupted { delivery: Delivery::NotSent }
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "call to vacancy failed");
                CallOutcome::Interrupted { delivery: Delivery::MaybeDelivered }
            }
            Err(_) => CallOutcome::Failed(ClientError::Unknown, Verdict::Failure),
        }
    }

    /// The seller's token as ticket itself has it: vacancy need not know that of the buyer, who may
    /// be an administrator.
    fn authorization(&self) -> Option<HeaderValue> {
        let tokens = self.seller_tokens.current()?;
        let mut value =
            HeaderValue::try_from(format!("Bearer {}", tokens.first()?.expose())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn single(&self, purchase: &PurchaseRequest) -> Request<Vec<u8>> {
        let body = ReserveBody { qty: purchase.qty, customer: purchase.customer.clone() };
        let mut request = post(&self.reserve, serde_json::to_vec(&body));
        // A key is visible ASCII, so it is always a valid header.
        if let Some(key) =
            purchase.key.as_ref().and_then(|key| HeaderValue::try_from(quoted(key)).ok())
        {
            request.headers_mut().insert(IdempotencyKey::HEADER, key);
        }
        request
    }

    fn batch(&self, purchases: &[Pending], now: Instant) -> Request<Vec<u8>> {
        let items: Vec<_> = purchases.iter().filter_map(|pending| item(pending, now)).collect();
        post(&self.batch, serde_json::to_vec(&items))
    }
}

fn post(uri: &Uri, body: serde_json::Result<Vec<u8>>) -> Request<Vec<u8>> {
    let mut request = Request::new(body.unwrap_or_default());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri.clone();
    request
}

/// Every purchase has a key here: the handler generates one with
/// [`make_key`](crate::client::VacancyClient::make_key) if the buyer sent none.
fn item(pending: &Pending, now: Instant) -> Option<BatchItem> {
    let PurchaseRequest { qty, customer, key, caller, .. } = &pending.purchase;
    let timeout_ms = Some(remaining_ms(pending.deadline, now));
    Some(BatchItem {
        qty: *qty,
        key: key.clone()?,
        event: None,
        customer: customer.clone(),
        seller: caller.may_sell(),
        timeout_ms,
    })
}

fn remaining_ms(deadline: Instant, now: Instant) -> u64 {
    u64::try_from(deadline.saturating_duration_since(now).max(Duration::from_millis(1)).as_millis())
        .unwrap_or(u64::MAX)
}
