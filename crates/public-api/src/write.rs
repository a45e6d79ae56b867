//! Writes, from the request to the client.

use axum::{
    extract::{FromRef, FromRequestParts},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, request::Parts};
use http_server::{
    Problem,
    extract::{Caller, CallerDeadline, IdempotencyKey},
};
use inventory::CommandKind;
use vacancy_api::{Answer, Failure, key_from, quoted};

use crate::{
    client::{TraceHeaders, WriteRequest},
    state::PublicState,
};

/// What the head of a request says about a write.
#[derive(Debug, Clone)]
pub struct WriteHead {
    /// Who asks.
    pub caller: Caller,
    key: IdempotencyKey,
    deadline: CallerDeadline,
    trace: TraceHeaders,
}

impl WriteHead {
    /// The headers that trace the request.
    #[must_use]
    pub fn trace(&self) -> &TraceHeaders {
        &self.trace
    }
}

impl<S: Sync> FromRequestParts<S> for WriteHead
where
    PublicState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let app = PublicState::from_ref(state);
        let key = IdempotencyKey::from_request_parts(parts, state).await?;
        let deadline = CallerDeadline::from_request_parts(parts, state).await?;
        let caller = Caller::of(&parts.headers, app.tokens());
        Ok(Self { caller, key, deadline, trace: TraceHeaders::of(&parts.headers) })
    }
}

impl PublicState {
    /// Decides `kind`, and makes the response with `respond`. A write without a key gets one from
    /// the client, and the response names it: a caller without a result can retry with it, and
    /// learn whether the write took effect.
    ///
    /// # Errors
    /// A 400 problem when the key is malformed.
    pub async fn write<R: IntoResponse>(
        &self,
        head: WriteHead,
        kind: CommandKind,
        respond: impl FnOnce(Answer) -> Result<R, Failure>,
    ) -> Result<Response, Problem> {
        let key = key_from(head.key)?;
        let generated = if key.is_none() { self.client().make_key() } else { None };
        let request = WriteRequest {
            kind,
            key: key.or_else(|| generated.clone()),
            caller: head.caller,
            deadline: head.deadline.0,
            trace: head.trace,
        };
        let answer = self.client().write(request).await;
        let mut response = answer.map_err(Failure::from).and_then(respond).into_response();
        if let Some(key) = generated.and_then(|key| HeaderValue::try_from(quoted(&key)).ok()) {
            response.headers_mut().insert(IdempotencyKey::HEADER, key);
        }
        Ok(response)
    }

    /// Decides `kind` without a key: a repeated call has no second effect.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn write_without_key(
        &self,
        head: WriteHead,
        kind: CommandKind,
    ) -> Result<Answer, Failure> {
        let WriteHead { caller, deadline, trace, .. } = head;
        let request = WriteRequest { kind, key: None, caller, deadline: deadline.0, trace };
        Ok(self.client().write(request).await?)
    }
}
