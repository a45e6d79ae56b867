//! Where records come from, event by event and in order.

use std::sync::Arc;

use inventory::domain::EventName;
use inventory_embedded::{Tables, rows::parse_ledger_key};
use inventory_store::{BoxFuture, Reader};

use super::error::FeedError;

/// How many records are read at once.
pub(super) const PAGE: usize = 1_000;

/// A record as found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The event in whose ledger it was found.
    pub event: EventName,
    /// The place at which it was found.
    pub seq: u64,
    /// Its body.
    pub body: Vec<u8>,
}

/// Yields every record of every event: the events one after the other, their records in order.
pub trait Feed: Send {
    /// The next records; none at the end.
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>>;
}

/// Any store, through its reader.
pub struct ReaderFeed {
    reader: Arc<dyn Reader>,
    events: std::vec::IntoIter<EventName>,
    at: Option<(EventName, u64)>,
}

impl ReaderFeed {
    /// The ledgers of `events`.
    #[must_use]
    pub fn new(reader: Arc<dyn Reader>, events: Vec<EventName>) -> Self {
        Self { reader, events: events.into_iter(), at: None }
    }
}

impl Feed for ReaderFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>> {
        Box::pin(async move {
            loop {
                let Some((event, after)) =
                    self.at.take().or_else(|| Some((self.events.next()?, 0)))
                else {
                    return Ok(Vec::new());
                };
                let records = self.reader.records(&event, after, PAGE).await?;
                let Some(last) = records.last().map(|record| record.seq) else { continue };
                let entries = records.into_iter().map(|record| Entry {
                    event: event.clone(),
                    seq: record.seq,
                    body: record.body,
                });
                let entries = entries.collect();
                self.at = Some((event, last));
                return Ok(entries);
            }
        })
    }
}

/// The ledger table of an embedded store, including records of events that are in no other table.
pub(super) struct TableFeed {
    tables: Tables,
    from: Vec<u8>,
}

impl TableFeed {
    pub fn new(tables: Tables) -> Self {
        Self { tables, from: Vec::new() }
    }

    fn page(&mut self) -> Result<Vec<Entry>, FeedError> {
        let unreadable = |error: fjall::Error| {
            FeedError::Unreadable(format!("the ledger cannot be read: {error}"))
        };
        let mut entries = Vec::with_capacity(PAGE);
        for row in self.tables.ledger.range(self.from.clone()..).take(PAGE) {
            let (key, body) = row.into_inner().map_err(unreadable)?;
            let (event, seq) = parse_ledger_key(&key)
                .ok_or_else(|| FeedError::Unreadable("a key of the ledger is none".into()))?;
            entries.push(Entry { event, seq, body: body.to_vec() });
            self.from = [&key[..], &[0]].concat();
        }
        Ok(entries)
    }
}

impl Feed for TableFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>> {
        Box::pin(std::future::ready(self.page()))
    }
}
