//! Submitting requests.

use inventory::Command;
use tokio::sync::oneshot;

use crate::{
    engine::{Engine, Intake},
    queue::{Job, Origin, PendingReply},
    request::{EngineError, Reply, Request},
    shared::EventKey,
    stats::count,
};

impl Engine {
    /// Decides `request` and writes the decision; the answer is durable when this returns.
    ///
    /// A queued request is decided and written whether or not the caller still waits.
    ///
    /// # Errors
    /// [`EngineError`]; only [`EngineError::Store`] leaves the outcome unknown.
    pub async fn submit(&self, request: Request) -> Result<Reply, EngineError> {
        let Intake::Shared(shared) = &self.intake else {
            let answer = self.enqueue(None, request, Origin::Caller)?;
            return answer.get().await;
        };
        shared.reader.check()?;
        let event_key = shared.event_key(&request.kind).await?;
        let answer = self.enqueue(event_key.clone(), request, Origin::Caller)?;
        let reply = answer.get().await?;
        if let Ok(outcome) = &reply.result {
            shared.remember(event_key, outcome);
        }
        Ok(reply)
    }

    /// Like [`Engine::submit`] for several requests, queued in order. The replies have the same
    /// order.
    pub async fn submit_all(&self, requests: Vec<Request>) -> Vec<Result<Reply, EngineError>> {
        let mut waiting = Vec::with_capacity(requests.len());
        for request in requests {
            waiting.push(match &self.intake {
                Intake::Owned(_) => self.enqueue(None, request, Origin::Caller),
                Intake::Shared(shared) => match shared.reader.check() {
                    Ok(()) => shared
                        .event_key(&request.kind)
                        .await
                        .and_then(|event_key| self.enqueue(event_key, request, Origin::Caller)),
                    Err(error) => Err(error.into()),
                },
            });
        }
        let mut replies = Vec::with_capacity(waiting.len());
        for queued in waiting {
            replies.push(match queued {
                Ok(answer) => answer.get().await,
                Err(error) => Err(error),
            });
        }
        replies
    }

    /// Queues `request`, or refuses it immediately.
    pub(crate) fn enqueue(
        &self,
        event_key: EventKey,
        request: Request,
        origin: Origin,
    ) -> Result<PendingReply, EngineError> {
        let (answer, reply) = oneshot::channel();
        let Request { kind, key, deadline, trace } = request;
        let key = key.map(|key| kind.scoped(&key));
        let command = Command { id: self.parts.env.new_id(), kind };
        let (guard, behind) = match &key {
            Some(key) => {
                let (guard, shared) = self.parts.keys.enter(key);
                (Some(guard), shared)
            }
            None => (None, false),
        };
        let job = Job {
            command,
            key,
            guard,
            deadline,
            queued_at: tokio::time::Instant::now(),
            trace,
            answer,
        };
        let pushed = match &self.intake {
            Intake::Owned(queue) => queue.push(job, origin),
            Intake::Shared(shared) => shared.queue.push(event_key, job, origin),
        };
        if matches!(pushed, Err(EngineError::Busy)) {
            count(&self.parts.stats.busy, 1);
        }
        pushed.map(|()| PendingReply { reply, until: deadline.filter(|_| behind) })
    }
}
