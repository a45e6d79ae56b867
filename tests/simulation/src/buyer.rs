//! Buyers: they repeat a request without a response with the same key, and sometimes send it twice
//! at once.

use std::time::Duration;

use checker::{Answer, Ask, History, answer, counts};
use futures::future::join_all;
use http::Method;
use inventory::{
    CommandKind, CustomerId, EventName, HoldId, IdempotencyKey, Item, Items, Outcome, StockName,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::{
    http_client::HttpClient,
    purchase::{Purchase, back_off, note},
    scenario::Scenario,
    vacancy,
};

const WITHIN: Duration = Duration::from_millis(900);
const ATTEMPTS: u32 = 8;

/// A call as it goes over the wire.
struct Wire {
    method: Method,
    path: String,
    body: Option<Value>,
    admin: bool,
}

/// One buyer.
pub struct Buyer {
    name: String,
    history: History,
    rng: StdRng,
    scenario: Scenario,
    client: HttpClient,
    /// For requests that are sent twice at once.
    twin: HttpClient,
    keys: u64,
    holds: Vec<HoldId>,
}

fn event(name: &str) -> Option<EventName> {
    EventName::new(name).ok()
}

fn items(wanted: &[(&str, u64)]) -> Option<Items> {
    let items = wanted
        .iter()
        .filter(|(_, qty)| *qty > 0)
        .map(|(name, qty)| Some(Item { qty: *qty, stock: StockName::new(name).ok()? }));
    Items::new(items.collect::<Option<Vec<_>>>()?, 4, 1_000).ok()
}

fn items_json(items: &Items) -> Value {
    items.iter().map(|item| json!({"stock": item.stock.as_str(), "qty": item.qty})).collect()
}

impl Buyer {
    /// The buyer with this number.
    #[must_use]
    pub fn new(number: u64, scenario: &Scenario, history: History) -> Self {
        let rng = StdRng::seed_from_u64(scenario.seed.wrapping_mul(31).wrapping_add(number));
        let client = || HttpClient::new(vacancy::HOST, vacancy::PORT);
        Self {
            name: format!("b{number}"),
            history,
            rng,
            scenario: scenario.clone(),
            client: client(),
            twin: client(),
            keys: 0,
            holds: Vec::new(),
        }
    }

    /// Makes all calls of the scenario.
    pub async fn run(mut self) {
        for _ in 0..self.scenario.calls {
            let pause_ms = self.rng.random_range(0..self.scenario.pause_max_ms);
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            match self.rng.random_range(0..100) {
                0..18 => self.reserve().await,
                18..42 => self.purchase().await,
                42..60 => self.hold().await,
                60..66 => self.batch().await,
                66..76 => self.read().await,
                _ => self.change_a_hold().await,
            }
        }
    }

    async fn reserve(&mut self) {
        let qty = self.rng.random_range(1..4);
        let wire = Wire {
            method: Method::POST,
            path: "/api/v1/reserve".into(),
            body: Some(json!({"qty": qty})),
            admin: false,
        };
        if let Some(Outcome::Sold { id, .. }) = self.write(checker::reserve_kind(qty), wire).await {
            self.holds.push(id);
        }
    }

    /// Several purchases at once, through ticket.
    async fn purchase(&mut self) {
        let mut orders = Vec::new();
        for _ in 0..self.rng.random_range(1..5) {
            let Some(key) = self.key() else { return };
            let purchase = Purchase {
                qty: self.rng.random_range(1..4),
                key,
                duplicates: self.scenario.duplicates,
            };
            orders.push((purchase, StdRng::seed_from_u64(self.rng.random())));
        }
        let buying = orders.into_iter().map(|(purchase, mut rng)| {
            let history = self.history.clone();
            async move { purchase.run(&history, &mut rng, ATTEMPTS).await.1 }
        });
        let sold = join_all(buying).await.into_iter().flatten();
        self.holds.extend(sold.filter_map(|outcome| {
            if let Outcome::Sold { id, .. } = outcome { Some(id) } else { None }
        }));
    }

    async fn hold(&mut self) {
        let customer = format!("c{}", self.rng.random_range(0..4));
        let wanted = items(&[
            ("general", self.rng.random_range(1..4)),
            ("vip", self.rng.random_range(0..2)),
        ]);
        let (Some(event), Some(wanted), Ok(who)) =
            (event("gala"), wanted, CustomerId::new(&customer))
        else {
            return;
        };
        let ttl_s = self.rng.random_range(1..4);
        let body = json!({"event": "gala", "items": items_json(&wanted), "customer": customer, "ttl_s": ttl_s});
        let kind = CommandKind::Hold {
            event,
            items: wanted,
            customer: Some(who),
            ttl_ms: Some(ttl_s * 1_000),
            pass: None,
        };
        let wire = Wire {
            method: Method::POST,
            path: "/api/v1/holds".into(),
            body: Some(body),
            admin: false,
        };
        if let Some(Outcome::Held { id, .. }) = self.write(kind, wire).await {
            self.holds.push(id);
        }
    }

    async fn change_a_hold(&mut self) {
        if self.holds.is_empty() {
            return self.read().await;
        }
        let recent = self.holds.len().saturating_sub(6);
        let hold = self.holds[self.rng.random_range(recent..self.holds.len())];
        let post = |path: String, body: Option<Value>, admin| Wire {
            method: Method::POST,
            path,
            body,
            admin,
        };
        match self.rng.random_range(0..10) {
            0..4 => {
                let wire = post(format!("/api/v1/holds/{hold}/confirm"), None, false);
                self.write(
                    CommandKind::Confirm {
                        hold,
                        payment_ref: None,
                        amount: None,
                        by_seller: false,
                    },
                    wire,
                )
                .await;
            }
            4..6 => {
                let ttl_s = self.rng.random_range(1..3);
                let wire = post(
                    format!("/api/v1/holds/{hold}/extend"),
                    Some(json!({"ttl_s": ttl_s})),
                    false,
                );
                self.write(CommandKind::Extend { hold, ttl_ms: ttl_s * 1_000 }, wire).await;
            }
            6..8 => {
                let wire = Wire {
                    method: Method::DELETE,
                    path: format!("/api/v1/holds/{hold}"),
                    body: None,
                    admin: false,
                };
                self.write(CommandKind::Release { hold }, wire).await;
            }
            _ => {
                let wire = post(format!("/api/v1/admin/reservations/{hold}/refunds"), None, true);
                self.write(CommandKind::Refund { reservation: hold, items: None }, wire).await;
            }
        }
    }

    async fn read(&mut self) {
        let name = if self.rng.random_bool(0.5) { "default" } else { "gala" };
        let Some(event) = event(name) else { return };
        let open = self.history.send(Ask::Read { event });
        let reply = self
            .client
            .call(Method::GET, &format!("/api/v1/events/{name}"), &[], None, WITHIN)
            .await;
        open.answered(reply.map_or(Answer::Unknown, |reply| counts(reply.status, &reply.body)));
    }

    fn key(&mut self) -> Option<IdempotencyKey> {
        self.keys += 1;
        IdempotencyKey::new(&format!("{}-{}", self.name, self.keys)).ok()
    }

    /// Sends several orders in one call, as ticket does, each with its own key. Repeats those
    /// without an answer.
    async fn batch(&mut self) {
        let mut orders = Vec::new();
        for _ in 0..self.rng.random_range(2..6) {
            let qty = self.rng.random_range(1..3);
            let Some(key) = self.key() else { return };
            orders.push((qty, key));
        }
        for attempt in 0..ATTEMPTS {
            let open: Vec<_> = orders
                .iter()
                .map(|(qty, key)| {
                    self.history.send(Ask::Write {
                        kind: checker::reserve_kind(*qty),
                        key: Some(key.clone()),
                    })
                })
                .collect();
            let body: Value =
                orders.iter().map(|(qty, key)| json!({"qty": qty, "key": key.as_str()})).collect();
            let reply = self
                .client
                .call(Method::POST, "/api/v1/reserve/batch", &[], Some(body), WITHIN)
                .await;
            let mut left = Vec::new();
            for (at, (open, order)) in open.into_iter().zip(orders).enumerate() {
                let slot =
                    reply.as_ref().filter(|reply| reply.status == 200).map(|reply| &reply.body[at]);
                let answered = slot.map_or(Answer::Unknown, |slot| {
                    let status = slot["status"]
                        .as_u64()
                        .and_then(|status| u16::try_from(status).ok())
                        .unwrap_or(200);
                    answer(&checker::reserve_kind(order.0), status, slot, None)
                });
                if matches!(answered, Answer::Unknown | Answer::NotDone) {
                    left.push(order);
                }
                open.answered(answered);
            }
            orders = left;
            if orders.is_empty() {
                return;
            }
            back_off(&mut self.rng, attempt).await;
        }
    }

    /// Repeats a request with one key until there is a response; returns the outcome.
    async fn write(&mut self, kind: CommandKind, wire: Wire) -> Option<Outcome> {
        let key = if wire.method == Method::DELETE { None } else { self.key() };
        let mut headers = Vec::new();
        headers
            .extend(key.as_ref().map(|key| ("idempotency-key", format!("\"{}\"", key.as_str()))));
        if wire.admin {
            headers.push(("authorization", format!("Bearer {}", vacancy::ADMIN_TOKEN)));
        }
        for attempt in 0..ATTEMPTS {
            let twice = key.is_some() && self.rng.random_bool(self.scenario.twice);
            let ask = || self.history.send(Ask::Write { kind: kind.clone(), key: key.clone() });
            let (first, second) = (ask(), twice.then(ask));
            let sent = self.client.call(
                wire.method.clone(),
                &wire.path,
                &headers,
                wire.body.clone(),
                WITHIN,
            );
            let answered = if let Some(second) = second {
                let again = self.twin.call(
                    wire.method.clone(),
                    &wire.path,
                    &headers,
                    wire.body.clone(),
                    WITHIN,
                );
                // Each response is noted when it arrives: waiting for the other one would make it
                // look later than it was.
                let (answered, _) = tokio::join!(async { note(sent.await, &kind, first) }, async {
                    note(again.await, &kind, second)
                });
                answered
            } else {
                note(sent.await, &kind, first)
            };
            match answered {
                Answer::Unknown | Answer::NotDone => back_off(&mut self.rng, attempt).await,
                Answer::Done { outcome, .. } => return Some(outcome),
                _ => return None,
            }
        }
        None
    }
}
