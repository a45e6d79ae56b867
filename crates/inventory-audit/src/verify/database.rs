//! Verifies a snapshot of a database: its ledgers, and every row of every table against them.

use std::{collections::HashSet, sync::Arc};

use inventory::{domain::EventName, ledger::Record};
use inventory_postgres::{PostgresOptions, Snapshot};
use inventory_store::{BoxFuture, StoreError};

use super::{
    audit::{Auditor, Ledgers},
    error::{FeedError, VerifyError},
    event::EventAudit,
    feed::{Entry, Feed},
    options::VerifyOptions,
    report::Report,
    run::audit,
    state::{missing, wrong},
    violation::{Position, Violation, ViolationKind},
};

/// The ledgers of a database, in one snapshot.
pub struct DatabaseFeed {
    snapshot: Arc<Snapshot>,
    after: Option<(EventName, u64)>,
}

impl DatabaseFeed {
    /// Opens a snapshot of the database.
    ///
    /// # Errors
    /// [`FeedError::Unreadable`].
    pub async fn open(options: &PostgresOptions) -> Result<Self, FeedError> {
        Ok(Self::of(Arc::new(Snapshot::open(options).await?)))
    }

    fn of(snapshot: Arc<Snapshot>) -> Self {
        Self { snapshot, after: None }
    }
}

impl Feed for DatabaseFeed {
    fn next(&mut self) -> BoxFuture<'_, Result<Vec<Entry>, FeedError>> {
        Box::pin(async move {
            let rows =
                self.snapshot.ledger(self.after.as_ref().map(|(event, seq)| (event, *seq))).await?;
            if let Some((event, seq, _)) = rows.last() {
                self.after = Some((event.clone(), *seq));
            }
            Ok(rows.into_iter().map(|(event, seq, body)| Entry { event, seq, body }).collect())
        })
    }
}

/// Verifies the database that `database` names, as it is at one moment and without changing it;
/// others may go on selling.
///
/// # Errors
/// [`VerifyError`], at the first violation.
pub async fn verify_database(
    database: &PostgresOptions,
    options: &VerifyOptions,
    progress: impl FnMut(u64),
) -> Result<Report, VerifyError> {
    let snapshot = Arc::new(Snapshot::open(database).await.map_err(FeedError::from)?);
    let mut auditor = Auditor::new(options);
    audit(&mut DatabaseFeed::of(snapshot.clone()), &mut auditor, |_, _| Ok(()), progress).await?;
    let ledgers = auditor.finish()?;
    let mut report = ledgers.report().clone();
    report.rows += events(&snapshot, &ledgers).await?;
    report.rows += holds(&snapshot, &ledgers).await?;
    report.rows += customers(&snapshot, &ledgers).await?;
    report.rows += places(&snapshot, &ledgers).await?;
    report.rows += waiting(&snapshot, &ledgers).await?;
    report.rows += keys(&snapshot, &ledgers).await?;
    report.rows += keys_kept(snapshot, &ledgers, options).await?;
    Ok(report)
}

/// Invalid rows are violations; failed reads are not.
fn of(table: &'static str) -> impl Fn(StoreError) -> VerifyError {
    move |error| match error {
        StoreError::Damaged(why) => {
            Violation { at: Position::Whole(table), kind: ViolationKind::State(why.to_string()) }
                .into()
        }
        other => FeedError::from(other).into(),
    }
}

async fn events(snapshot: &Snapshot, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let (mut found, mut after) = (0, None);
    loop {
        let page = snapshot.events(after.as_ref()).await.map_err(of("events"))?;
        for stored in &page {
            let expected = ledgers.auditor().event(&stored.name).map(EventAudit::row);
            let expected = expected
                .ok_or_else(|| wrong("events", stored.name.as_str(), "no ledger of this event"))?;
            if *stored != expected {
                return Err(wrong("events", stored.name.as_str(), "differs from its ledger"));
            }
        }
        found += page.len() as u64;
        let Some(last) = page.into_iter().last() else { break };
        after = Some(last.name);
    }
    counted("events", ledgers.report().events, found)
}

async fn holds(snapshot: &Snapshot, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let (mut found, mut after) = (0, None);
    loop {
        let page = snapshot.holds(after).await.map_err(of("holds"))?;
        for stored in &page {
            if ledgers.auditor().hold(stored.id)?.as_ref() != Some(stored) {
                return Err(wrong("holds", stored.id.to_string(), "differs from the ledger"));
            }
        }
        found += page.len() as u64;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
    }
    counted("holds", ledgers.report().holds, found)
}

async fn customers(snapshot: &Snapshot, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let (mut found, mut after) = (0, None);
    loop {
        let page = snapshot
            .customers(after.as_ref().map(|(event, who)| (event, who)))
            .await
            .map_err(of("customers"))?;
        for (event, customer, has) in &page {
            let expected = ledgers.auditor().customer_has(event, customer)?;
            if *has != expected {
                let row = format!("{event} {}", customer.as_str());
                return Err(wrong(
                    "customers",
                    row,
                    &format!("found {has}, expected {expected} by the ledger"),
                ));
            }
        }
        found += page.len() as u64;
        let Some((event, customer, _)) = page.into_iter().last() else { break };
        after = Some((event, customer));
    }
    counted("customers", ledgers.customers_len(), found)
}

async fn waiting(snapshot: &Snapshot, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let (mut found, mut after) = (0, None);
    loop {
        let after_row = after.as_ref().map(|(event, number)| (event, *number));
        let page = snapshot.waiting(after_row).await.map_err(of("waiting"))?;
        for (event, number, id) in &page {
            if !ledgers.auditor().waits_at(event, *number, *id) {
                return Err(wrong(
                    "waiting",
                    id.to_string(),
                    "the entry does not wait at this place",
                ));
            }
        }
        found += page.len() as u64;
        let Some((event, number, _)) = page.into_iter().last() else { break };
        after = Some((event, number));
    }
    counted("waiting", ledgers.waiting(), found)
}

async fn places(snapshot: &Snapshot, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let (mut found, mut after) = (0, None);
    loop {
        let after_row = after.as_ref().map(|(event, leaf)| (event, leaf));
        let page = snapshot.places(after_row).await.map_err(of("places"))?;
        for (event, leaf, place) in &page {
            if ledgers.auditor().place(event, leaf)?.as_ref() != Some(place) {
                let row = format!("{event} {leaf}");
                return Err(wrong("places", row, "differs from the ledger"));
            }
        }
        found += page.len() as u64;
        let Some((event, leaf, _)) = page.into_iter().last() else { break };
        after = Some((event, leaf));
    }
    counted("places", ledgers.report().places, found)
}

/// Every stored key points to its newest effect.
async fn keys(snapshot: &Snapshot, ledgers: &Ledgers) -> Result<u64, VerifyError> {
    let (mut found, mut after) = (0, None);
    loop {
        let page = snapshot.keys(after.as_ref()).await.map_err(of("keys"))?;
        for (key, stored) in &page {
            let newest =
                ledgers.keys().of(key)?.into_iter().max_by_key(|effect| effect.expires_at_ms);
            if !newest.is_some_and(|effect| effect.is_at(stored)) {
                return Err(wrong(
                    "keys",
                    key.as_str(),
                    "its newest effect in the ledgers differs",
                ));
            }
        }
        found += page.len() as u64;
        let Some((key, _)) = page.into_iter().last() else { break };
        after = Some(key);
    }
    Ok(found)
}

/// No key was deleted before its expiry by the database's clock: a retry with it would have a
/// second effect.
async fn keys_kept(
    snapshot: Arc<Snapshot>,
    ledgers: &Ledgers,
    options: &VerifyOptions,
) -> Result<u64, VerifyError> {
    if ledgers.report().keyed > options.keys_max {
        return Ok(0);
    }
    let mut checked = 0;
    let mut feed = DatabaseFeed::of(snapshot.clone());
    loop {
        let entries = feed.next().await?;
        if entries.is_empty() {
            return Ok(checked);
        }
        let records = entries.iter().map(|entry| Record::from_body(&entry.body));
        let records = records
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| FeedError::Unreadable(error.to_string()))?;
        let used = records
            .iter()
            .filter_map(|record| record.key.as_ref())
            .filter(|used| used.expires_at_ms > snapshot.now_ms());
        let used: Vec<&str> = used.map(|used| used.key.as_str()).collect();
        let kept: HashSet<String> =
            snapshot.keys_among(&used).await.map_err(of("keys"))?.into_iter().collect();
        if let Some(lost) = used.iter().find(|key| !kept.contains(**key)) {
            return Err(wrong("keys", *lost, "deleted before its expiry"));
        }
        checked += used.len() as u64;
    }
}

fn counted(table: &'static str, expected: u64, found: u64) -> Result<u64, VerifyError> {
    if found == expected { Ok(found) } else { Err(missing(table, expected, found)) }
}
