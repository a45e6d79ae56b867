//! Visitors of the waiting room: they join, ask again, wait for their turns, claim and buy; and
//! lose some of the responses.

use std::time::Duration;

use checker::{Answer, Ask, History};
use http::Method;
use inventory::{
    CommandKind, EventName, HoldId, IdempotencyKey, Items, Outcome, PassUse, StockName,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use signing::{PassClaims, PlaceClaims, SigningKeys, TokenType};

use crate::{
    crowd::Crowd,
    http_client::{HttpClient, Reply},
    purchase::{back_off, note},
    room,
    scenario::Scenario,
    ticket, vacancy,
};

const WITHIN: Duration = Duration::from_millis(1_500);
const ATTEMPTS: u32 = 8;
/// Looks at the place, until a visitor goes home.
const LOOKS: u32 = 60;

/// One person.
pub struct Visitor {
    name: String,
    rng: StdRng,
    history: History,
    crowd: Crowd,
    keys: SigningKeys,
    /// ticket and vacancy serve the same calls.
    doors: [HttpClient; 2],
}

impl Visitor {
    /// The visitor with this number.
    #[must_use]
    pub fn new(
        number: u64,
        scenario: &Scenario,
        history: History,
        crowd: Crowd,
        keys: SigningKeys,
    ) -> Self {
        let rng = StdRng::seed_from_u64(scenario.seed.wrapping_mul(37).wrapping_add(number));
        let doors = [
            HttpClient::new(ticket::HOST, ticket::PORT),
            HttpClient::new(vacancy::HOST, vacancy::PORT),
        ];
        Self { name: format!("visitor-{number}"), rng, history, crowd, keys, doors }
    }

    /// Joins, waits and buys.
    pub async fn run(mut self) {
        // Most come at once, so that their joins share a write.
        let pause_ms =
            self.rng.random_range(0..10) * if self.rng.random_bool(0.7) { 1 } else { 150 };
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        let Some(place) = self.join().await else { return };
        // Some never come, and some have lost their place.
        let place = match self.rng.random_range(0..10) {
            0..2 => return,
            2..6 => self.join().await.unwrap_or(place),
            _ => place,
        };
        if let Some(pass) = self.wait(&place).await {
            self.buy(&pass).await;
        }
    }

    async fn call(
        &mut self,
        method: Method,
        path: &str,
        header: (&'static str, &str),
    ) -> Option<Reply> {
        let door = usize::from(self.rng.random_bool(0.4));
        let path = format!("/api/v1/events/{}/queue{path}", room::EVENT);
        self.doors[door].call(method, &path, &[(header.0, header.1.to_owned())], None, WITHIN).await
    }

    /// The place, by the key.
    async fn join(&mut self) -> Option<String> {
        let name = self.name.clone();
        for attempt in 0..ATTEMPTS {
            let reply = self.call(Method::POST, "", ("idempotency-key", &name)).await;
            if let Some(Reply { status: 201, body, .. }) = &reply {
                let token = body["place"].as_str().unwrap_or_default();
                match self.keys.verify::<PlaceClaims>(TokenType::Place, token) {
                    Ok(claims) => self.crowd.placed(&name, claims),
                    Err(error) => self.crowd.broken(format!("{name} joined: {error} {body}")),
                }
                return Some(token.to_owned());
            }
            if reply.is_some_and(|reply| reply.status == 409) {
                return None;
            }
            back_off(&mut self.rng, attempt).await;
        }
        None
    }

    /// Waits for the turn of a place, and claims its pass.
    async fn wait(&mut self, place: &str) -> Option<String> {
        for _ in 0..LOOKS {
            let reply = self.call(Method::GET, "/place", ("queue-place", place)).await;
            let body = reply.filter(|reply| reply.status == 200).map(|reply| reply.body);
            let body = body.unwrap_or_default();
            if let Some(turn) = body["n"].as_u64() {
                self.crowd.turned(&self.name, turn);
            }
            let state = body["state"].as_str().unwrap_or_default();
            if state == "done" {
                return None;
            }
            // Some try before it is their turn.
            let tries = matches!(state, "called" | "expired") || self.rng.random_bool(0.1);
            if tries && let Some(pass) = self.claim(place).await {
                return Some(pass);
            }
            let pause_ms = self.rng.random_range(50..250);
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
        None
    }

    async fn claim(&mut self, place: &str) -> Option<String> {
        for attempt in 0..ATTEMPTS {
            let reply = self.call(Method::POST, "/pass", ("queue-place", place)).await;
            if let Some(Reply { status: 201, body, .. }) = &reply {
                let token = body["pass"].as_str().unwrap_or_default();
                match self.keys.verify::<PassClaims>(TokenType::Pass, token) {
                    Ok(claims) => self.crowd.passed(&self.name, claims),
                    Err(error) => {
                        self.crowd.broken(format!("{} claimed: {error} {body}", self.name));
                    }
                }
                // Some ask again.
                if self.rng.random_bool(0.7) {
                    return Some(token.to_owned());
                }
            } else if reply.is_some_and(|reply| matches!(reply.status, 409 | 410)) {
                return None;
            }
            back_off(&mut self.rng, attempt).await;
        }
        None
    }

    /// Holds a ticket with a pass, and buys it or not.
    async fn buy(&mut self, pass: &str) {
        let (Some(used), Ok(event), Ok(stock)) =
            (self.used(pass), EventName::new(room::EVENT), StockName::new("general"))
        else {
            return;
        };
        let items = Items::one(stock, 1);
        let (customer, ttl_ms) = (None, None);
        let kind = CommandKind::Hold { event, items, customer, ttl_ms, pass: Some(Box::new(used)) };
        let items = json!([{"stock": "general", "qty": 1}]);
        let body = json!({"event": room::EVENT, "items": items});
        let key = format!("{}-hold", self.name);
        let held = self.write(kind, "/api/v1/holds".into(), Some((&key, pass)), body).await;
        let Some(Outcome::Held { id, .. }) = held else { return };
        if self.rng.random_bool(0.8) {
            let kind = CommandKind::Confirm {
                hold: id,
                payment_ref: None,
                amount: None,
                by_seller: false,
            };
            self.write(kind, format!("/api/v1/holds/{id}/confirm"), None, Value::Null).await;
        }
    }

    fn used(&self, pass: &str) -> Option<PassUse> {
        let claims: PassClaims = self.keys.verify(TokenType::Pass, pass).ok()?;
        let pass: HoldId = claims.pass.to_string().parse().ok()?;
        Some(PassUse { leaf: claims.leaf.parse().ok()?, pass, queue: claims.queue })
    }

    /// Repeats a write until it has a response; returns the outcome.
    async fn write(
        &mut self,
        kind: CommandKind,
        path: String,
        keyed: Option<(&str, &str)>,
        body: Value,
    ) -> Option<Outcome> {
        let key = keyed.and_then(|(key, _)| IdempotencyKey::new(key).ok());
        let headers: Vec<_> = keyed
            .into_iter()
            .flat_map(|(key, pass)| {
                [("idempotency-key", key.to_owned()), ("queue-pass", pass.to_owned())]
            })
            .collect();
        let body = (!body.is_null()).then_some(body);
        for attempt in 0..ATTEMPTS {
            let open = self.history.send(Ask::Write { kind: kind.clone(), key: key.clone() });
            let sent =
                self.doors[1].call(Method::POST, &path, &headers, body.clone(), WITHIN).await;
            match note(sent, &kind, open) {
                Answer::Unknown | Answer::NotDone => back_off(&mut self.rng, attempt).await,
                Answer::Done { outcome, .. } => return Some(outcome),
                _ => return None,
            }
        }
        None
    }
}
