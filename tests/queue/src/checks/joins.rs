//! Everybody who was told a place has it, once.

use std::collections::HashMap;

use crate::{
    ledger::Ledger,
    people::{Notes, leaf_of},
    plan::Person,
    report::Report,
};

/// Compares the places of the ledger with what people were told.
pub fn joins(
    report: &mut Report,
    (event, queue): (&str, u64),
    crowd: &[Person],
    notes: &Notes,
    ledger: &Ledger,
) {
    let (places, mut wrong) = ledger.places();
    let leaf = |number: &usize| leaf_of(event, queue, &crowd[*number].key);
    for (number, joined) in &notes.joined {
        let index = places.get(leaf(number).as_str());
        if index != Some(&joined.index) {
            wrong.push(format!("person {number} was told {}, and has {index:?}", joined.index));
        }
    }
    report.none("acknowledged joins that are not in the ledger exactly once", &wrong);
    let keys: HashMap<_, _> = notes.asked.iter().map(|number| (leaf(number), number)).collect();
    let foreign: Vec<_> = places.keys().filter(|leaf| !keys.contains_key(**leaf)).collect();
    report.none("places that nobody asked for", &foreign);
    let twice = crowd.iter().filter(|person| person.joins_twice).count();
    let told = notes.joined.len();
    let is_each = places.len() >= told && places.len() <= notes.asked.len();
    let figure = format!("{told} people, {} places, {twice} joined twice", places.len());
    report.check("one place for each", is_each, figure);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::{
        people::Joined,
        plan::{Size, crowd},
    };

    fn is_good(indexes: &[(usize, u64)], in_ledger: &[usize]) -> bool {
        let size = Size { people: 4, bots: 1, pre: Duration::from_secs(4), seed: 1 };
        let crowd = crowd(&size);
        let mut notes = Notes { asked: (0..4).collect(), ..Notes::default() };
        let joined = |index| Joined { index, token: String::new() };
        notes.joined = indexes.iter().map(|(number, index)| (*number, joined(*index))).collect();
        let leaves: Vec<_> =
            in_ledger.iter().map(|number| leaf_of("gala", 1, &crowd[*number].key)).collect();
        let queue = json!({"from": 0, "leaves": leaves});
        let ledger = Ledger::of(vec![json!({"kind": "queue_joined", "queue": queue})]);
        let mut report = Report::default();
        joins(&mut report, ("gala", 1), &crowd, &notes, &ledger);
        report.is_good()
    }

    #[test]
    fn lost_double_and_moved_places_are_found() {
        assert!(is_good(&[(0, 1), (2, 0)], &[2, 0]));
        assert!(is_good(&[(0, 1)], &[2, 0]), "one was not told");
        for (told, ledger) in
            [(&[(0, 1), (2, 0)][..], &[2][..]), (&[(0, 1), (2, 0)], &[0, 2]), (&[(0, 0)], &[0, 0])]
        {
            assert!(!is_good(told, ledger), "{told:?} {ledger:?}");
        }
    }
}
