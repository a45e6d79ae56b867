//! Requests and answers, in their order.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use inventory::{CommandKind, EventName, IdempotencyKey, Outcome, RefusalKind, StockName};
use inventory_audit::verify::Counts;
use inventory_engine::{EngineError, Reply};

/// A request.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most requests are writes")]
pub enum Ask {
    /// A command.
    Write {
        /// The command.
        kind: CommandKind,
        /// Its idempotency key.
        key: Option<IdempotencyKey>,
    },
    /// The counts of an event.
    Read {
        /// The event.
        event: EventName,
    },
}

/// An answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The command took effect, at `seq`.
    Done {
        /// The outcome.
        outcome: Outcome,
        /// The `seq` of its record; of an answer without a record, the newest at that moment.
        seq: u64,
    },
    /// The command was decided and refused.
    Refused {
        /// The reason; `None` when the answer is not precise.
        reason: Option<RefusalKind>,
        /// The newest `seq` of the event at that moment.
        seq: Option<u64>,
    },
    /// The counts as of `seq`.
    Counts {
        /// The newest record they include; `None` when the answer does not say.
        seq: Option<u64>,
        /// Available, held and sold of each stock in the answer.
        stocks: BTreeMap<StockName, Counts>,
    },
    /// Refused before a decision: it certainly has no effect.
    NotDone,
    /// No answer, or an inconclusive one: it may have taken effect, may do so later, or never.
    Unknown,
}

/// A request with its answer.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its place among all requests and answers.
    pub sent: u64,
    /// The place of its answer; `None` when there was none.
    pub answered: Option<u64>,
    /// The request.
    pub ask: Ask,
    /// The answer.
    pub answer: Answer,
}

#[derive(Debug, Default)]
struct State {
    now: u64,
    calls: Vec<Call>,
}

/// A growing history; clones share it.
#[derive(Debug, Clone, Default)]
pub struct History(Arc<Mutex<State>>);

/// A request that was sent. When this is dropped without an answer, the outcome is unknown.
#[derive(Debug)]
pub struct Open {
    history: History,
    at: usize,
}

impl History {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request; call it before sending. Its key is noted in its scope, as the ledger has
    /// it.
    #[must_use]
    pub fn send(&self, mut ask: Ask) -> Open {
        if let Ask::Write { kind, key: Some(key) } = &mut ask {
            *key = kind.scoped(key);
        }
        let mut state = self.state();
        state.now += 1;
        let sent = state.now;
        state.calls.push(Call { sent, answered: None, ask, answer: Answer::Unknown });
        Open { history: self.clone(), at: state.calls.len() - 1 }
    }

    /// All calls so far, in the order in which they were sent.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }
}

impl Open {
    /// Notes the answer; call it after receiving.
    pub fn answered(self, answer: Answer) {
        let mut state = self.history.state();
        state.now += 1;
        let now = state.now;
        let call = &mut state.calls[self.at];
        // An unknown outcome has no moment of its answer.
        call.answered = (!matches!(answer, Answer::Unknown)).then_some(now);
        call.answer = answer;
    }
}

impl Answer {
    /// The answer of an engine.
    #[must_use]
    pub fn of(reply: Result<Reply, EngineError>) -> Self {
        match reply {
            Ok(Reply { result: Ok(outcome), seq, .. }) => Self::Done { outcome, seq },
            Ok(Reply { result: Err(refusal), .. }) => {
                Self::Refused { reason: Some(refusal.kind), seq: refusal.seq }
            }
            Err(EngineError::Store(_)) => Self::Unknown,
            Err(_) => Self::NotDone,
        }
    }
}
