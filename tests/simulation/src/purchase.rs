//! A purchase through ticket, repeated until there is a response.

use std::time::Duration;

use checker::{Answer, Ask, History};
use http::Method;
use inventory::{CommandKind, IdempotencyKey, Outcome};
use rand::{RngExt, rngs::StdRng};
use serde_json::json;

use crate::{
    http_client::{HttpClient, Reply},
    ticket::{HOST, PORT, PURCHASE_MAX},
};

/// An order of tickets.
pub struct Purchase {
    /// How many.
    pub qty: u64,
    /// With which key.
    pub key: IdempotencyKey,
    /// Whether the relay between the services may deliver a request twice.
    pub duplicates: bool,
}

impl Purchase {
    /// Sends the order with the same key at most `attempts` times. Returns whether there was a
    /// response, and the sale.
    pub async fn run(
        self,
        history: &History,
        rng: &mut StdRng,
        attempts: u32,
    ) -> (bool, Option<Outcome>) {
        let mut client = HttpClient::new(HOST, PORT);
        for attempt in 0..attempts {
            match self.ask(history, &mut client).await {
                Answer::Unknown | Answer::NotDone => back_off(rng, attempt).await,
                Answer::Done { outcome, .. } => return (true, Some(outcome)),
                _ => return (true, None),
            }
        }
        (false, None)
    }

    async fn ask(&self, history: &History, client: &mut HttpClient) -> Answer {
        let kind = checker::reserve_kind(self.qty);
        let ask = || history.send(Ask::Write { kind: kind.clone(), key: Some(self.key.clone()) });
        // A request that is delivered twice counts as two, and the second response is lost: it may
        // take effect even after a refusal.
        let (open, again) = (ask(), self.duplicates.then(ask));
        let headers = [("idempotency-key", format!("\"{}\"", self.key.as_str()))];
        let body = json!({"qty": self.qty});
        let reply =
            client.call(Method::POST, "/api/v1/purchase", &headers, Some(body), PURCHASE_MAX).await;
        let answer = reply.map_or(Answer::Unknown, |reply| {
            checker::answer(&kind, reply.status, &reply.body, None)
        });
        open.answered(answer.clone());
        if let (Some(again), Answer::Done { .. }) = (again, &answer) {
            again.answered(answer.clone());
        }
        answer
    }
}

/// Waits before another attempt.
pub async fn back_off(rng: &mut StdRng, attempt: u32) {
    let most_ms = 30_u64 << attempt.min(6);
    let pause_ms = rng.random_range(1..most_ms);
    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
}

/// Notes the response to a write of `kind`, and returns the answer.
pub fn note(reply: Option<Reply>, kind: &CommandKind, open: checker::Open) -> Answer {
    let answered = reply.map_or(Answer::Unknown, |reply| {
        let seq = reply.headers.get("event-seq").and_then(|seq| seq.to_str().ok()?.parse().ok());
        checker::answer(kind, reply.status, &reply.body, seq)
    });
    open.answered(answered.clone());
    answered
}
