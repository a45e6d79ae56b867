//! Checks the ledger of an event.

mod calls;
mod chain;
mod draw;
mod passes;
mod queue;

use self::{chain::Chain, queue::Queue};
use crate::{
    beacon::Beacons,
    body::{Body, Change, Settings},
    finding::{Finding, FindingKind, Findings},
    report::{QueueReport, Report},
};

/// Checks the records of one event in their order, without keeping them.
pub struct LedgerVerifier<'a> {
    event: String,
    beacons: Beacons<'a>,
    chain: Chain,
    queue: Option<Queue>,
    ended: Vec<QueueReport>,
    findings: Findings,
}

impl<'a> LedgerVerifier<'a> {
    /// A verifier that has read no record of `event`.
    #[must_use]
    pub fn new(event: &str, beacons: Beacons<'a>) -> Self {
        Self {
            event: event.to_owned(),
            beacons,
            chain: Chain::default(),
            queue: None,
            ended: Vec::new(),
            findings: Findings::default(),
        }
    }

    /// Whether no more findings are collected: further records are not read.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.findings.is_full()
    }

    /// Takes the next record. Records of other events are skipped.
    pub fn push(&mut self, body: &[u8]) {
        if self.is_full() {
            return;
        }
        let record = match serde_json::from_slice::<Body<'_>>(body) {
            Ok(record) if record.event != self.event => return,
            Ok(record) => record,
            Err(error) => {
                self.findings.at(self.chain.skip(body));
                return self.findings.add(FindingKind::NotARecord(error.to_string()));
            }
        };
        self.findings.at(record.seq);
        self.chain.push(&record, body, &mut self.findings);
        match record.change() {
            Err(error) => self.findings.add(FindingKind::NotARecord(error)),
            Ok(Change::EventPut(settings)) => self.set(&record, &settings),
            Ok(Change::EventDeleted) => self.set(&record, &Settings::default()),
            Ok(change) => self.change(&record, change),
        }
    }

    /// Starts, changes or ends the queue.
    fn set(&mut self, record: &Body<'_>, settings: &Settings) {
        let sale_opens_at_ms = settings.opens_at_ms.unwrap_or(0);
        match (&mut self.queue, &settings.queue) {
            (Some(queue), Some(set)) if !queue.is_empty() => {
                queue.set(record.seq, set, sale_opens_at_ms, &mut self.findings);
            }
            // One that nobody has joined is replaced.
            (_, Some(set)) => self.queue = Some(Queue::new(record.seq, set, sale_opens_at_ms)),
            (_, None) => self.ended.extend(self.queue.take().map(|queue| queue.report())),
        }
    }

    fn change(&mut self, record: &Body<'_>, change: Change) {
        let (at_ms, findings) = (record.at_ms, &mut self.findings);
        let Some(queue) = &mut self.queue else {
            return match change {
                Change::Other | Change::Taken(None) => {}
                Change::Taken(Some(_)) => findings.add(FindingKind::HeldWithoutQueue),
                _ => findings.add(FindingKind::NoQueue),
            };
        };
        match change {
            Change::Joined(joined) => queue.join(at_ms, &joined, findings),
            Change::Committed(commitment) => queue.commit(commitment, findings),
            Change::Frozen(frozen) => queue.freeze(at_ms, &frozen, findings),
            Change::Revealed(reveal) => queue.reveal(&reveal, self.beacons, findings),
            Change::Called(called) => queue.call(&called, findings),
            Change::Claimed(claimed) => queue.claim(at_ms, &claimed, findings),
            Change::Paused(paused) => queue.pause(paused),
            Change::Taken(place) => queue.take(at_ms, place, findings),
            Change::EventPut(_) | Change::EventDeleted | Change::Other => {}
        }
    }

    /// The result, after the last record.
    ///
    /// # Errors
    /// The findings, in the order of the records, up to [`FINDINGS_MAX`](crate::FINDINGS_MAX).
    pub fn finish(mut self) -> Result<Report, Vec<Finding>> {
        if self.chain.is_empty() {
            self.findings.add(FindingKind::NoRecords);
        }
        let mut queues = self.ended;
        queues.extend(self.queue.map(|queue| queue.report()));
        self.findings.result(Report { event: self.event, queues })
    }
}
