//! The rules of new settings.

use std::collections::BTreeMap;

use inventory::{
    EventName, EventSettings, Outcome, RefusalKind, StockName, domain::DrawCommitment,
};

use super::state::{Model, ModelEvent};

impl Model {
    /// The answer to new settings, and whether something changed.
    pub fn put_event(
        &mut self,
        event: &EventName,
        (capacities, settings): (&BTreeMap<StockName, u64>, &EventSettings),
        if_settings_seq: Option<u64>,
        draw: Option<&DrawCommitment>,
    ) -> Result<(Outcome, bool), RefusalKind> {
        let known = self.events.get(event);
        let settings_seq = known.map_or(0, |known| known.settings_seq);
        // A deleted one has no version.
        let exists = known.is_some_and(|known| !known.capacities.is_empty());
        if if_settings_seq.is_some_and(|seq| !exists || seq != settings_seq) {
            return Err(RefusalKind::PreconditionFailed);
        }
        for stock in known.iter().flat_map(|known| known.capacities.keys()) {
            let (_, held, sold) = self.counts(event, stock);
            if held + sold > capacities.get(stock).copied().unwrap_or(0) {
                let used = held + sold;
                return Err(RefusalKind::CapacityBelowUse { stock: stock.clone(), used });
            }
        }
        let is_same = |known: &ModelEvent| {
            exists && known.capacities == *capacities && known.settings == *settings
        };
        if known.is_some_and(is_same) {
            return Ok((Outcome::EventPut { created: false, settings_seq }, false));
        }
        let queue = self.queue_after_put(event, settings, draw)?;
        let known = self.events.entry(event.clone()).or_default();
        known.capacities = capacities.clone();
        known.settings = settings.clone();
        known.settings_seq = known.seq + 1;
        (known.queue, known.commits) = queue;
        Ok((Outcome::EventPut { created: !exists, settings_seq: known.settings_seq }, true))
    }
}
