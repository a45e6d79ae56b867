//! `GET /api/v1/events/{event}/stream`.

use std::{convert::Infallible, time::Duration};

use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_server::{Problem, extract::PathParams, streams::OpenStream};
use inventory::EventName;
use rand::RngExt;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};
use vacancy_api::{EventNotFound, EventParam, Unavailable, event_not_found};

use super::find_event;
use crate::{
    at_least::AtLeast,
    state::PublicState,
    topics::{Frame, Subject},
};

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Asks nginx not to hold events back.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The longest silence: a proxy closes a connection without traffic.
const SILENCE_MAX: Duration = Duration::from_secs(15);
/// Milliseconds until a client connects again, chosen at random: after a restart not all of them
/// come at once.
const RETRY_MS: std::ops::RangeInclusive<u32> = 500..=5_000;

/// Follow an event
///
/// Server-sent events: `id` is the seq, `data` the body of GET /events/{event}. The stream begins
/// with the event as it is, unless `Last-Event-ID` names that state, and has at most five events
/// per second, each with the newest state. A comment follows after 15 seconds of silence. The
/// stream ends when the service shuts down; `retry` says when to connect again.
#[utoipa::path(
    get,
    path = "/api/v1/events/{event}/stream",
    tag = "events",
    params(
        EventParam,
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that the client got"),
    ),
    responses(
        (status = OK, body = String, content_type = "text/event-stream"),
        EventNotFound,
        Unavailable,
    )
)]
pub async fn stream_event(
    State(app): State<PublicState>,
    PathParams(event): PathParams<EventName>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    follow(&app, &event, Subject::Event, &headers).await?.ok_or_else(event_not_found)
}

/// The stream of `subject` of `event`; `None` if there is nothing to show.
pub async fn follow(
    app: &PublicState,
    event: &EventName,
    subject: Subject,
    headers: &HeaderMap,
) -> Result<Option<Response>, Problem> {
    let open = app.streams().open()?;
    let last = last_event_id(headers);
    // A client that moves to another process must not see an older state.
    let reading = match find_event(app, event, AtLeast(last)).await {
        Err(problem) if problem.status() == http::StatusCode::UNPROCESSABLE_ENTITY => {
            find_event(app, event, AtLeast(None)).await?
        }
        reading => reading?,
    };
    let Some(first) = subject.frame(&reading) else { return Ok(None) };
    let frames = app.topics().follow(&(event.clone(), subject), &first);
    let is_known =
        subject == Subject::Event && last == Some(first.version.seq) && !first.version.stale;
    let mut start = retry().into_bytes();
    if !is_known {
        start.extend_from_slice(&first.text);
    }
    let follower =
        Follower { open, frames, subject, known: first, start: Some(start), ended: false };
    let events = stream::unfold(follower, async |mut follower| {
        follower.next().await.map(|text| (Ok::<_, Infallible>(text), follower))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, EVENT_STREAM);
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    Ok(Some(response))
}

/// What a client does not know any more, or never sent, is no reason to refuse it: browsers would
/// not try again.
fn last_event_id(headers: &HeaderMap) -> Option<u64> {
    headers.get(LAST_EVENT_ID)?.to_str().ok()?.parse().ok()
}

fn retry() -> String {
    format!("retry: {}\n\n", rand::rng().random_range(RETRY_MS))
}

/// One client.
struct Follower {
    open: OpenStream,
    frames: watch::Receiver<Option<Frame>>,
    subject: Subject,
    /// What the client knows.
    known: Frame,
    start: Option<Vec<u8>>,
    ended: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(start) = self.start.take() {
            return Some(start.into());
        }
        if self.ended {
            return None;
        }
        let comment_at = Instant::now() + SILENCE_MAX;
        loop {
            tokio::select! {
                biased;
                () = self.open.draining() => {
                    self.ended = true;
                    return Some(retry().into());
                }
                changed = self.frames.changed() => {
                    // The topic ends when the event is deleted.
                    changed.ok()?;
                    let frame = self.frames.borrow_and_update().clone()?;
                    if self.subject.is_news(&frame, &self.known) {
                        self.known = frame.clone();
                        return Some(frame.text);
                    }
                }
                () = sleep_until(comment_at) => return Some(Bytes::from_static(b":\n\n")),
            }
        }
    }
}
