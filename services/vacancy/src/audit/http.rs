//! The ledgers of a running service, read through its calls.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use config::Tokens;
use http::StatusCode;
use inventory::{EventName, Hash};
use inventory_audit::verify::{
    Auditor, Entry, EventAudit, Feed, FeedError, Position, VerifyError, Violation, ViolationKind,
};
use inventory_store::BoxFuture;
use serde::Deserialize;
use serde_json::value::RawValue;
use vacancy_api::{Event, EventList};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// Asked for at once; a service that allows less is asked for its default.
const PAGE: usize = 1_000;

/// A CloudEvent of the sales log, as far as it is needed.
#[derive(Deserialize)]
struct SaleIn {
    sequence: String,
    hash: String,
    data: Box<RawValue>,
}

/// Reads event after event, each up to the record that was its newest when reading began.
pub struct HttpFeed {
    client: reqwest::Client,
    url: String,
    token: String,
    views: Arc<Views>,
    events: std::vec::IntoIter<(EventName, u64)>,
    at: Option<(EventName, u64, u64)>,
    page: Option<usize>,
}

/// The counts that the service tells, each compared with the sum of the ledger up to the record it
/// counts to.
#[derive(Debug, Default)]
pub struct Views {
    events: BTreeMap<EventName, Event>,
    compared: AtomicU64,
}

fn unreadable(error: impl std::fmt::Display) -> FeedError {
    FeedError::Unreadable(error.to_string())
}

impl HttpFeed {
    /// Asks the service at `url` for its events; for `only` one where that is named.
    ///
    /// # Errors
    /// [`FeedError`] when it cannot be reached or has no such event.
    pub async fn open(
        url: &str,
        tokens: Option<&Tokens>,
        only: Option<&EventName>,
    ) -> Result<Self, FeedError> {
        let token = tokens
            .and_then(Tokens::first)
            .ok_or_else(|| unreadable("ADMIN_TOKEN is not set: the ledger is read with it"))?;
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .no_proxy();
        let client =
            client.redirect(reqwest::redirect::Policy::none()).build().map_err(unreadable)?;
        let mut feed = Self {
            client,
            url: url.to_owned(),
            token: token.expose().to_owned(),
            views: Arc::default(),
            events: Vec::new().into_iter(),
            at: None,
            page: Some(PAGE),
        };
        let found = feed.list(only).await?;
        let mut events = BTreeMap::new();
        for body in found {
            events.insert(EventName::new(&body.event).map_err(unreadable)?, body);
        }
        feed.events = events
            .iter()
            .map(|(name, body)| (name.clone(), body.seq))
            .collect::<Vec<_>>()
            .into_iter();
        feed.views = Arc::new(Views { events, compared: AtomicU64::new(0) });
        Ok(feed)
    }

    /// The counts as they were when reading began.
    #[must_use]
    pub fn views(&self) -> Arc<Views> {
        self.views.clone()
    }

    async fn list(&self, only: Option<&EventName>) -> Result<Vec<Event>, FeedError> {
        if let Some(only) = only {
            return Ok(vec![
                self.get(&format!("/api/v1/events/{only}"))
                    .await?
                    .json()
                    .await
                    .map_err(unreadable)?,
            ]);
        }
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let page: EventList = self
                .get(&format!("/api/v1/events{after}"))
                .await?
                .json()
                .await
                .map_err(unreadable)?;
            all.extend(page.events);
            let Some(next) = page.next else { return Ok(all) };
            after = format!("?after={next}");
        }
    }

    async fn ask(&self, path: &str) -> Result<reqwest::Response, FeedError> {
        let request = self.client.get(format!("{}{path}", self.url)).bearer_auth(&self.token);
        // Without the address: the message of the caller has it.
        request.send().await.map_err(|error| unreadable(error.without_url()))
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response, FeedError> {
        let answer = self.ask(path).await?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status @ (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => Err(unreadable(
                format!("GET {path}: {status}: ADMIN_TOKEN is not the one of the service"),
            )),
            status => Err(unreadable(format!("GET {path}: {status}"))),
        }
    }

    async fn sales(&mut self, event: &EventName, after: u64) -> Result<Vec<Entry>, FeedError> {
        let path = format!("/api/v1/admin/events/{event}/sales?after={after}");
        let answer = match self.page {
            None => self.get(&path).await?,
            Some(page) => {
                let path = format!("{path}&limit={page}");
                let answer = self.ask(&path).await?;
                if answer.status() == StatusCode::UNPROCESSABLE_ENTITY {
                    self.page = None;
                    return Box::pin(self.sales(event, after)).await;
                }
                if answer.status() == StatusCode::OK { answer } else { self.get(&path).await? }
            }
        };
        let sales: Vec<SaleIn> = answer.json().await.map_err(unreadable)?;
        let entries = sales.into_iter().map(|sale| {
            let seq = sale
                .sequence
                .parse()
                .map_err(|_| unreadable(format!("'{}' is no sequence", sale.sequence)))?;
            let body = sale.data.get().as_bytes().to_vec();
            if Hash::of(&body).to_string() != sale.hash {
                return Err(unreadable(format!(
                    "event '{event}', seq {seq}: hash does not match data"
                )));
            }
            Ok(Entry { event: event.clone(), seq, body })
        });
        entries.collect()
    }
}

impl Feed for HttpFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>> {
        Box::pin(async move {
            loop {
                let next = |(event, newest)| (event, 0, newest);
                let Some((event, after, newest)) =
                    self.at.take().or_else(|| self.events.next().map(next))
                else {
                    return Ok(Vec::new());
                };
                if after >= newest {
                    continue;
                }
                let entries = self.sales(&event, after).await?;
                let Some(last) = entries.last().map(|entry| entry.seq) else { continue };
                self.at = Some((event, last, newest));
                return Ok(entries);
            }
        })
    }
}

impl Views {
    /// Compares the counts of the event that `auditor` is at, when it has come to the record they
    /// count to.
    ///
    /// # Errors
    /// [`VerifyError::Violation`] when the service tells other counts than its ledger.
    pub fn check(&self, auditor: &Auditor) -> Result<(), VerifyError> {
        let Some(event) = auditor.current() else { return Ok(()) };
        let Some(view) = self.events.get(event.name()).filter(|view| view.seq == event.seq())
        else {
            return Ok(());
        };
        let told = view.stocks.iter().map(|(name, stock)| {
            (name.as_str(), (stock.capacity, stock.available, stock.held, stock.sold))
        });
        let summed = event.stocks().map(|(name, counts)| {
            (
                name.as_str(),
                (counts.capacity, counts.available().unwrap_or(0), counts.held, counts.sold),
            )
        });
        if !told.eq(summed) {
            return Err(wrong(event.name(), event.seq(), "reported counts differ from the ledger"));
        }
        self.compared.fetch_add(view.stocks.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Whether every ledger reaches as far as the service's counts.
    ///
    /// # Errors
    /// [`VerifyError::Violation`] when one is shorter.
    pub fn check_seen<'a>(
        &self,
        events: impl Iterator<Item = &'a EventAudit>,
    ) -> Result<(), VerifyError> {
        let read: BTreeMap<_, _> = events.map(|event| (event.name(), event.seq())).collect();
        for (name, view) in &self.events {
            let seq = read.get(name).copied().unwrap_or(0);
            if seq < view.seq {
                return Err(wrong(
                    name,
                    seq,
                    &format!("the ledger ends here, and the service counts up to seq {}", view.seq),
                ));
            }
        }
        Ok(())
    }

    /// The number of counts compared.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.compared.load(Ordering::Relaxed)
    }
}

fn wrong(event: &EventName, seq: u64, why: &str) -> VerifyError {
    Violation {
        at: Position::Record { event: event.clone(), seq },
        kind: ViolationKind::State(why.to_owned()),
    }
    .into()
}
