//! The calls of one person.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use draw_verifier::Leaf;
use serde_json::{Value, json};

use super::{Joined, Market};
use crate::{
    error::Error,
    http::{Call, Reply},
    plan::{End, Person},
};

/// A person in the market.
pub struct Caller<'a> {
    pub person: &'a Person,
    pub market: &'a Market,
}

/// The place that a key gets.
pub fn leaf_of(event: &str, queue: u64, key: &str) -> String {
    Leaf::of(event, queue, key).to_string()
}

/// The claims of a token; its signature is not looked at.
fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap_or_default();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

/// The id of a pass.
pub fn pass_id(token: &str) -> String {
    claims(token)["p"].as_str().unwrap_or_default().to_owned()
}

impl Caller<'_> {
    pub fn wrong(&self, what: impl std::fmt::Display) {
        let line = format!("person {}: {what}", self.person.number);
        self.market.notes.lock().wrong.push(line);
    }

    pub fn count(&self, what: &'static str) {
        self.market.notes.lock().count(what);
    }

    pub async fn ask(&self, call: Call) -> Result<Reply, Error> {
        self.market.http.ask(&call.header("x-forwarded-for", &self.person.address)).await
    }

    fn path(&self, of: &str) -> String {
        format!("/api/v1/events/{}/queue{of}", self.market.event)
    }

    /// Joins; none when the waiting room is closed.
    pub async fn join(&self) -> Result<Option<Joined>, Error> {
        let call = Call::post(self.path("")).header("idempotency-key", &self.person.key);
        let reply = self.ask(call).await?;
        if reply.status == 409 && reply.code() == "queue_closed" {
            return Ok(None);
        }
        let token = reply.json()["place"].as_str().unwrap_or_default().to_owned();
        let claims = claims(&token);
        let leaf = leaf_of(&self.market.event, self.market.queue, &self.person.key);
        let is_mine = claims["l"] == leaf && claims["q"] == self.market.queue;
        let index = claims["i"].as_u64().filter(|_| reply.status == 201 && is_mine);
        if index.is_none() {
            self.wrong(format_args!("join: {}, {claims}", reply.short()));
        }
        Ok(index.map(|index| Joined { index, token }))
    }

    /// The turn and the state of a place.
    pub async fn place(&self, place: &str) -> Result<(Option<u64>, String), Error> {
        let reply = self.ask(Call::get(self.path("/place")).header("queue-place", place)).await?;
        let body = reply.json();
        if reply.status != 200 {
            self.wrong(format_args!("place: {}", reply.short()));
        }
        Ok((body["n"].as_u64(), body["state"].as_str().unwrap_or_default().to_owned()))
    }

    /// Asks for the pass of a place.
    pub async fn pass(&self, place: &str) -> Result<Reply, Error> {
        self.ask(Call::post(self.path("/pass")).header("queue-place", place)).await
    }

    /// Asks for a hold with `pass`, the `attempt`th time with these tickets.
    pub async fn hold(&self, pass: &str, qty: u64, attempt: &str) -> Result<Reply, Error> {
        let ttl_s = if self.person.end == End::Expire { 2 } else { 20 };
        let items = json!([{"stock": "general", "qty": qty}]);
        let body = json!({"event": self.market.event, "items": items, "ttl_s": ttl_s});
        let key = format!("{}-{attempt}", self.person.key);
        let call = Call::post("/api/v1/holds").header("idempotency-key", &key).body(body);
        self.ask(if pass.is_empty() { call } else { call.header("queue-pass", pass) }).await
    }

    pub async fn confirm(&self, hold: &str) -> Result<Reply, Error> {
        let key = format!("{}-confirm", self.person.key);
        let call = Call::post(format!("/api/v1/holds/{hold}/confirm"));
        self.ask(call.header("idempotency-key", &key)).await
    }

    pub async fn release(&self, hold: &str) -> Result<Reply, Error> {
        self.ask(Call::delete(format!("/api/v1/holds/{hold}"))).await
    }
}
