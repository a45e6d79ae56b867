//! What was asked and what was answered, with the order of both.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use inventory::{CommandKind, EventName, IdempotencyKey, Outcome, RefusalKind, StockName};
use inventory_audit::verify::Counts;
use inventory_engine::{EngineError, Reply};

/// What was asked for.
#[derive(Debug, Clone)]
pub enum Ask {
    /// A change.
    Write {
        /// Which.
        kind: CommandKind,
        /// With which key.
        key: Option<IdempotencyKey>,
    },
    /// The counts of an event.
    Read {
        /// Which.
        event: EventName,
    },
}

/// What came back.
#[derive(Debug, Clone)]
pub enum Answer {
    /// It was done: this is in the ledger at `seq`.
    Done {
        /// What was done.
        outcome: Outcome,
        /// The place of its record; of an answer without one, the newest at that moment.
        seq: u64,
    },
    /// It was decided that it is not done.
    Refused {
        /// Why; `None` where the answer does not say it precisely.
        reason: Option<RefusalKind>,
        /// The event's newest record at that moment.
        seq: Option<u64>,
    },
    /// The counts, as of `seq`; the stocks that were told.
    Counts {
        /// Up to which record; `None` where the answer does not say.
        seq: Option<u64>,
        /// Available, and where told held and sold.
        stocks: BTreeMap<StockName, Counts>,
    },
    /// It was certainly not done: it was refused before anything was decided.
    NotDone,
    /// Nothing, or nothing that tells: it may be done, or be done later, or never.
    Unknown,
}

/// A request with its answer.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its place among all sendings and answers.
    pub sent: u64,
    /// The place of its answer; `None` when there was none.
    pub answered: Option<u64>,
    /// What was asked.
    pub ask: Ask,
    /// What came.
    pub answer: Answer,
}

#[derive(Debug, Default)]
struct State {
    now: u64,
    calls: Vec<Call>,
}

/// A history in the making; clones write the same one.
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

    /// To be called before a request is sent.
    #[must_use]
    pub fn send(&self, ask: Ask) -> Open {
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
    /// To be called after the answer has come.
    pub fn answered(self, answer: Answer) {
        let mut state = self.history.state();
        state.now += 1;
        let now = state.now;
        let call = &mut state.calls[self.at];
        // What is not known has no moment at which it became known.
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
