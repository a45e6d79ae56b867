//! A purchase through ticket, asked for until there is an answer.

use std::time::Duration;

use checker::{Answer, Ask, History, answer};
use http::Method;
use inventory::{IdempotencyKey, Outcome};
use rand::{RngExt, rngs::StdRng};
use serde_json::json;

use crate::{
    link::Link,
    ticket::{HOST, PORT, PURCHASE_MAX},
};

/// What somebody wants.
pub struct Purchase {
    /// How many.
    pub qty: u64,
    /// With which key.
    pub key: IdempotencyKey,
    /// Whether what lies between the services may deliver a request twice.
    pub duplicates: bool,
}

impl Purchase {
    /// Asks with the same key at most `attempts` times; says what was sold, and whether there was
    /// an answer at all.
    pub async fn run(
        self,
        history: &History,
        rng: &mut StdRng,
        attempts: u32,
    ) -> (bool, Option<Outcome>) {
        let mut link = Link::new(HOST, PORT);
        for attempt in 0..attempts {
            match self.ask(history, &mut link).await {
                Answer::Unknown | Answer::NotDone => back_off(rng, attempt).await,
                Answer::Done { outcome, .. } => return (true, Some(outcome)),
                _ => return (true, None),
            }
        }
        (false, None)
    }

    async fn ask(&self, history: &History, link: &mut Link) -> Answer {
        let kind = checker::reserve_kind(self.qty);
        let ask = || history.send(Ask::Write { kind: kind.clone(), key: Some(self.key.clone()) });
        // What is delivered twice is like two requests, and nobody hears the answer of the second:
        // even after a refusal it may happen.
        let (open, again) = (ask(), self.duplicates.then(ask));
        let headers = [("idempotency-key", format!("\"{}\"", self.key.as_str()))];
        let body = json!({"qty": self.qty});
        let reply =
            link.call(Method::POST, "/api/v1/purchase", &headers, Some(body), PURCHASE_MAX).await;
        let told =
            reply.map_or(Answer::Unknown, |reply| answer(&kind, reply.status, &reply.body, None));
        open.answered(told.clone());
        if let (Some(again), Answer::Done { .. }) = (again, &told) {
            again.answered(told.clone());
        }
        told
    }
}

/// Waits before another attempt.
pub async fn back_off(rng: &mut StdRng, attempt: u32) {
    let most_ms = 30_u64 << attempt.min(6);
    let pause_ms = rng.random_range(1..most_ms);
    tokio::time::sleep(Duration::from_millis(pause_ms)).await;
}
