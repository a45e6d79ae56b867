//! Ledgers: of one event or of many, from a file or from the sales feed.

use std::collections::BTreeMap;

use draw_verifier::{Hex, LedgerVerifier, QueueReport, ReadError, Report, Stage, read_bodies};
use inventory::EventName;
use serde::Deserialize;
use serde_json::Value;

use super::{
    beacons::beacons,
    error::VerifyDrawError,
    outcome::Outcome,
    public::verdict,
    service::{Service, ServiceError},
};

/// Records of a page of the feed; more than a service allows is refused.
const PAGE: u64 = 1_000;

/// The event of a record.
#[derive(Deserialize)]
struct Head {
    event: String,
}

/// The ledgers of events, as they are read.
#[derive(Default)]
pub struct Ledgers {
    only: Option<String>,
    events: BTreeMap<String, LedgerVerifier<'static>>,
    /// The event of the record before.
    last: Option<String>,
    /// The first line is not a record.
    is_start_unreadable: bool,
    /// They are those of a running system, which publishes its draws.
    is_of_service: bool,
    /// Wrong with the file or the feed, and not with a record.
    findings: Vec<(String, String)>,
}

impl Ledgers {
    /// No record is read; those of other events than `only` will be skipped.
    pub fn new(only: Option<&EventName>) -> Self {
        Self { only: only.map(ToString::to_string), ..Self::default() }
    }

    /// Reads the whole sales feed of `event`, as far as it goes now.
    ///
    /// # Errors
    /// [`VerifyDrawError`] when it cannot be read.
    pub async fn of_service(
        service: &Service,
        event: &EventName,
        token: &str,
    ) -> Result<Self, VerifyDrawError> {
        let path = format!("/api/v1/events/{event}");
        let about = service.get(&path, None).await?;
        let about: Value =
            serde_json::from_slice(&about).map_err(|error| ServiceError::content(&path, &error))?;
        let newest = about["seq"].as_u64().unwrap_or_default();
        let (mut ledgers, mut after, mut limit) = (Self::new(Some(event)), 0, Some(PAGE));
        ledgers.is_of_service = true;
        while after < newest {
            let page = limit.map_or_else(String::new, |limit| format!("&limit={limit}"));
            let path = format!("/api/v1/admin/events/{event}/sales?after={after}{page}");
            let page = match service.get(&path, Some(token)).await {
                // The service has a smaller MAX_PAGE.
                Err(error) if error.is("validation") && limit.is_some() => {
                    limit = None;
                    continue;
                }
                page => page?,
            };
            let read = read_bodies(&page[..], |body| ledgers.push(body));
            let read = read.map_err(|error| ServiceError::content(&path, &error))?;
            if read == 0 {
                let missing = format!("seq {after}: the feed ends, and the event has seq {newest}");
                ledgers.findings.push((event.to_string(), missing));
                break;
            }
            after += read;
        }
        Ok(ledgers)
    }

    /// Takes the next record.
    pub fn push(&mut self, body: &[u8]) {
        let event = match serde_json::from_slice::<Head>(body) {
            Ok(Head { event }) => event,
            // Its verifier finds out that it is not a record.
            Err(_) => match &self.last {
                Some(event) => event.clone(),
                None => {
                    self.is_start_unreadable = true;
                    return;
                }
            },
        };
        if self.only.as_ref().is_none_or(|only| *only == event) {
            let new = || LedgerVerifier::new(&event, beacons());
            self.events.entry(event.clone()).or_insert_with(new).push(body);
        }
        if self.last.as_ref() != Some(&event) {
            self.last = Some(event);
        }
    }

    /// Something is wrong with the file.
    pub fn find(&mut self, what: String) {
        let of = self.only.clone().unwrap_or_else(|| "ledger".to_owned());
        self.findings.push((of, what));
    }

    /// What the ledgers say, also about the draw that is `published`.
    ///
    /// # Errors
    /// [`VerifyDrawError::Nothing`] when there is no waiting room in them.
    pub fn finish(mut self, published: Option<&Value>) -> Result<Outcome, VerifyDrawError> {
        let (mut outcome, mut queues) = (Outcome::default(), 0);
        let is_empty = self.events.is_empty();
        if self.is_start_unreadable && is_empty {
            return Err(VerifyDrawError::Nothing("this is not a ledger".to_owned()));
        }
        if self.is_start_unreadable {
            self.find("seq 0: the first line is not a record".to_owned());
        }
        for (event, verifier) in self.events {
            match verifier.finish() {
                Ok(report) => {
                    queues += report.queues.len();
                    describe(&report, &mut outcome);
                    if let Some(published) = published {
                        compare(&report, published, &mut outcome);
                    } else if self.is_of_service {
                        unpublished(&report, &mut outcome);
                    }
                }
                Err(findings) => outcome.find_all(&event, &findings),
            }
        }
        self.findings.iter().for_each(|(event, what)| outcome.find(event, what));
        if outcome.code() != 0 || queues > 0 {
            return Ok(outcome);
        }
        Err(VerifyDrawError::Nothing(match &self.only {
            Some(event) if is_empty => format!("there is no record of event {event}"),
            Some(event) => format!("event {event} has no waiting room"),
            None => "there is no waiting room".to_owned(),
        }))
    }
}

/// Why a ledger cannot be read; `Ok` for what is wrong with it.
///
/// # Errors
/// The reason.
pub fn finding_of(error: ReadError) -> Result<String, String> {
    match error {
        ReadError::Manifest { .. } => Ok(format!("seq 0: {error}")),
        error => Err(error.to_string()),
    }
}

fn describe(report: &Report, outcome: &mut Outcome) {
    let newest = report.queues.last().map(|queue| queue.id);
    for queue in &report.queues {
        let QueueReport { id, places, participants, serving, passes, holds, .. } = queue;
        let head = format!("{}: ledger of waiting room {id}", report.event);
        let sales = format!(
            "turns up to {serving} of {places} are called, {passes} passes, {holds} holds and \
             sales with them"
        );
        match queue.stage {
            Stage::NoDraw => outcome.say(format!("{head}: no draw; {sales}; in order")),
            Stage::Open | Stage::Frozen => {
                if newest == Some(*id) {
                    outcome.undrawn();
                }
                outcome.say(format!("{head}: {places} places have joined; not drawn yet"));
            }
            Stage::Revealed => {
                if queue.is_unwitnessed() {
                    outcome.unwitnessed();
                }
                let verdict = verdict(queue.is_unwitnessed());
                outcome.say(format!("{head}: {participants} places take part, {sales}; {verdict}"));
            }
        }
    }
}

/// Compares the published draw with the one of the ledger, which may have gone on meanwhile.
fn compare(report: &Report, published: &Value, outcome: &mut Outcome) {
    let Some(queue) = report.queues.iter().find(|queue| published["queue"] == queue.id) else {
        return outcome.find(&report.event, &"seq 0: the published draw is not in the ledger");
    };
    let frozen = &published["frozen"];
    let root = queue.root.map(|root| root.to_string());
    let is_same = frozen.is_null()
        || (frozen["n"] == queue.participants && frozen["root"].as_str() == root.as_deref());
    if !is_same {
        outcome.find(&report.event, &"seq 0: the published places are not those of the ledger");
    }
    if published["serving"].as_u64() > Some(queue.serving) {
        outcome
            .find(&report.event, &"seq 0: more turns are published as called than the ledger has");
    }
    let committed = &published["committed"];
    let text = |hex: Option<Hex<32>>| hex.map(|hex| hex.to_string());
    // Before the freeze, new settings may have replaced it meanwhile.
    let is_same = frozen.is_null()
        || committed["commitment"].as_str() == text(queue.commitment).as_deref()
            && committed["beacon"]["round"].as_u64() == queue.round;
    if !is_same {
        outcome.find(&report.event, &"seq 0: the published commitment is not that of the ledger");
    }
    let revealed = &published["revealed"];
    if revealed.is_null() {
        return;
    }
    if revealed["seed"].as_str() != text(queue.seed).as_deref() {
        outcome.find(&report.event, &"seq 0: the published seed is not that of the ledger");
    }
    if published["witnessed"] != queue.witnessed {
        outcome.find(&report.event, &"seq 0: the published beacon is not that of the ledger");
    }
}

/// Finds a draw of the ledger that the system does not publish.
fn unpublished(report: &Report, outcome: &mut Outcome) {
    let newest = report.queues.last().map(|queue| queue.stage);
    if matches!(newest, Some(Stage::Frozen | Stage::Revealed)) {
        outcome.find(&report.event, &"seq 0: the draw of the ledger is not published");
    }
}
