//! Capacity, held and sold of each stock of one event.

use std::collections::BTreeMap;

use inventory::domain::{Items, StockName};

use super::violation::ViolationKind;

/// One stock's count by the ledger so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// The capacity.
    pub capacity: u64,
    /// The held quantity.
    pub held: u64,
    /// The sold quantity.
    pub sold: u64,
}

impl Counts {
    /// The available quantity; `None` when more is taken than the capacity.
    #[must_use]
    pub fn available(&self) -> Option<u64> {
        self.capacity.checked_sub(self.held.checked_add(self.sold)?)
    }
}

/// The direction in which a record moves items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flow {
    pub held: i8,
    pub sold: i8,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Balance(pub BTreeMap<StockName, Counts>);

impl Balance {
    /// Sets the capacities; a removed stock must be unused.
    pub fn set_capacities(
        &mut self,
        capacities: &BTreeMap<StockName, u64>,
    ) -> Result<(), ViolationKind> {
        let mut next = BTreeMap::new();
        for (stock, counts) in &self.0 {
            let capacity = capacities.get(stock).copied().unwrap_or(0);
            next.insert(stock.clone(), Counts { capacity, ..*counts });
        }
        for (stock, capacity) in capacities {
            next.entry(stock.clone()).or_insert(Counts { capacity: *capacity, held: 0, sold: 0 });
        }
        for (stock, counts) in &next {
            check(stock, counts)?;
        }
        next.retain(|stock, _| capacities.contains_key(stock));
        self.0 = next;
        Ok(())
    }

    /// Whether there are as many as `items`, taken or not.
    pub fn has_capacity(&self, items: &Items) -> bool {
        let capacity = |stock| self.0.get(stock).map_or(0, |counts| counts.capacity);
        items.iter().all(|item| item.qty <= capacity(&item.stock))
    }

    /// How much is available, of all stocks, and how much is held.
    pub fn left_and_held(&self) -> (u64, u64) {
        self.0.values().fold((0, 0), |(left, held), counts| {
            let available = counts.available().unwrap_or(0);
            (left.saturating_add(available), held.saturating_add(counts.held))
        })
    }

    /// Moves `items`, and checks that none is oversold or returned twice.
    pub fn flow(&mut self, items: &Items, flow: Flow) -> Result<(), ViolationKind> {
        for item in items {
            let counts = self
                .0
                .get_mut(&item.stock)
                .ok_or_else(|| ViolationKind::NoStock(item.stock.clone()))?;
            let moved = |count: u64, by: i8| match by {
                1 => count.checked_add(item.qty),
                -1 => count.checked_sub(item.qty),
                _ => Some(count),
            };
            let next = moved(counts.held, flow.held).zip(moved(counts.sold, flow.sold));
            let (held, sold) = next.ok_or_else(|| ViolationKind::Underflow(item.stock.clone()))?;
            *counts = Counts { held, sold, ..*counts };
            check(&item.stock, counts)?;
        }
        Ok(())
    }

    /// Checks the record's `left` of the stocks in `items`, or of all stocks without `items`.
    pub fn check_left(
        &self,
        items: Option<&Items>,
        left: &[(StockName, u64)],
    ) -> Result<(), ViolationKind> {
        let touched: Vec<&StockName> = match items {
            Some(items) => items.iter().map(|item| &item.stock).collect(),
            None => self.0.keys().collect(),
        };
        if touched.len() != left.len()
            || touched.iter().zip(left).any(|(touched, (named, _))| *touched != named)
        {
            return Err(ViolationKind::Left);
        }
        for (stock, left) in left {
            let counts = self.0.get(stock).ok_or_else(|| ViolationKind::NoStock(stock.clone()))?;
            let expected = counts.available().unwrap_or(0);
            if *left != expected {
                return Err(ViolationKind::Balance { stock: stock.clone(), left: *left, expected });
            }
        }
        Ok(())
    }
}

fn check(stock: &StockName, counts: &Counts) -> Result<(), ViolationKind> {
    let oversold = || ViolationKind::Oversold {
        stock: stock.clone(),
        capacity: counts.capacity,
        held: counts.held,
        sold: counts.sold,
    };
    counts.available().map(|_| ()).ok_or_else(oversold)
}
