//! The subscription of one ticket process to all events of vacancy.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use http::{Request, StatusCode, Uri, uri::InvalidUri};
use http_server::middleware::HOPS;
use inventory::EventName;
use thiserror::Error;
use tokio::time::{Instant, sleep, timeout};
use vacancy_api::StreamLine;

use super::{
    jitter::Jitter,
    readings::Readings,
    transport::{Chunks, Transport, TransportError},
};

/// The longest silence: vacancy sends a line every second.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// The longest line, bytes: an event with its stocks.
const LINE_BYTES_MAX: usize = 4_194_304;
/// The longest pause before the first new attempt. It doubles with each further one.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Why a subscription ended.
#[derive(Debug, Error)]
enum Ended {
    #[error("{0}")]
    Transport(#[from] TransportError),
    #[error("vacancy responded with status {0}")]
    Status(StatusCode),
    #[error("vacancy sent nothing for {} s", SILENCE_MAX.as_secs())]
    Silence,
    #[error("vacancy sent a line that is no event: {0}")]
    Line(#[from] serde_json::Error),
    #[error("vacancy sent a line of more than {LINE_BYTES_MAX} bytes")]
    Length,
    #[error("vacancy ended it")]
    Closed,
}

/// Keeps [`Readings`] current.
pub struct Subscription {
    transport: Arc<dyn Transport>,
    events: Uri,
    readings: Arc<Readings>,
    jitter: Arc<Jitter>,
}

impl Subscription {
    pub fn new(
        transport: Arc<dyn Transport>,
        url: &str,
        readings: Arc<Readings>,
        jitter: Arc<Jitter>,
    ) -> Result<Self, InvalidUri> {
        let events = format!("{url}/api/v1/internal/events").parse()?;
        Ok(Self { transport, events, readings, jitter })
    }

    /// Subscribes, and again whenever the subscription ends.
    pub async fn run(self) {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(PAUSE_FIRST)
            .with_max_delay(PAUSE_MAX)
            .without_max_times();
        let (mut pause, mut was_live) = (pauses.build(), true);
        loop {
            let mut is_live = false;
            let Err(error) = self.follow(&mut is_live).await;
            self.readings.lost();
            if is_live {
                pause = pauses.build();
            }
            // Once per outage, not per attempt.
            if is_live || was_live {
                tracing::warn!(%error, "subscription to vacancy ended; readings go stale");
            }
            was_live = is_live;
            sleep(pause.next().unwrap_or(PAUSE_MAX).mul_f64(self.jitter.factor())).await;
        }
    }

    /// Follows one subscription to its end. Sets `is_live` once all events are known.
    async fn follow(&self, is_live: &mut bool) -> Result<std::convert::Infallible, Ended> {
        let since = Instant::now();
        let mut request = Request::new(Vec::new());
        *request.uri_mut() = self.events.clone();
        request.headers_mut().insert(HOPS, 1.into());
        let opened = timeout(SILENCE_MAX, self.transport.open(request)).await;
        let (status, mut chunks) = opened.map_err(|_| Ended::Silence)??;
        if status != StatusCode::OK {
            return Err(Ended::Status(status));
        }
        let (mut text, mut names) = (Vec::new(), BTreeSet::new());
        loop {
            let more = next(&mut *chunks).await?;
            text.extend_from_slice(&more);
            let Some(end) = memchr::memrchr(b'\n', &text) else {
                if text.len() > LINE_BYTES_MAX {
                    return Err(Ended::Length);
                }
                continue;
            };
            let (mut frames, mut complete) = (Vec::new(), false);
            for line in text[..end].split(|byte| *byte == b'\n') {
                let line: StreamLine = serde_json::from_slice(line)?;
                frames.extend(line.frame);
                complete |= line.complete;
            }
            text.drain(..=end);
            if !*is_live {
                names.extend(
                    frames.iter().filter_map(|frame| EventName::new(&frame.event.event).ok()),
                );
            }
            self.readings.learn_since(frames, since);
            if complete {
                self.readings.complete(&std::mem::take(&mut names), since);
                *is_live = true;
                tracing::info!("subscribed to vacancy");
            } else {
                self.readings.confirm();
            }
        }
    }
}

async fn next(chunks: &mut dyn Chunks) -> Result<Vec<u8>, Ended> {
    match timeout(SILENCE_MAX, chunks.next()).await {
        Ok(Ok(Some(more))) => Ok(more),
        Ok(Ok(None)) => Err(Ended::Closed),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Ended::Silence),
    }
}
