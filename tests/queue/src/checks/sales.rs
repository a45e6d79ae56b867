//! Everything is sold, and to those who were told so.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    ledger::{Ledger, items, number},
    people::{Notes, leaf_of},
    plan::Person,
    report::Report,
};

/// Compares the stock and the ledger with what people were told.
pub fn sales(
    report: &mut Report,
    (event, queue): (&str, u64),
    (crowd, notes): (&[Person], &Notes),
    (ledger, stock): (&Ledger, &Value),
) {
    let counts = ["available", "held", "sold", "capacity"].map(|name| number(&stock[name]));
    let [available, held, sold, capacity] = counts;
    let figure = format!("available {available}, held {held}, sold {sold} of {capacity}");
    report.check("all is sold", available == 0 && held == 0 && sold == capacity, figure);
    let by_ledger: u64 = ledger.of_kind("confirmed").map(items).sum();
    report.check("tickets sold by the ledger", by_ledger == capacity, by_ledger);
    let direct = ledger.of_kind("sold").count();
    report.check("sales without a hold", direct == 0, direct);

    let leaf = |number: &usize| leaf_of(event, queue, &crowd[*number].key);
    let mut passes = HashMap::new();
    for claimed in ledger.of_kind("pass_claimed") {
        passes.insert(text(&claimed["queue"]["leaf"]), text(&claimed["queue"]["pass"]));
    }
    let told = notes
        .passes
        .iter()
        .filter(|(number, pass)| passes.get(leaf(number).as_str()) != Some(&pass.as_str()));
    let wrong: Vec<_> = told.map(|(number, pass)| format!("person {number}: {pass}")).collect();
    report.none("acknowledged passes that are not in the ledger", &wrong);

    let holds: HashMap<_, _> =
        ledger.of_kind("held").map(|held| (text(&held["hold"]), held)).collect();
    let sales: HashMap<_, _> =
        ledger.of_kind("confirmed").map(|sold| (text(&sold["hold"]), items(sold))).collect();
    let mut wrong = Vec::new();
    for (number, (id, qty)) in &notes.holds {
        let held = holds.get(id.as_str());
        if held.is_none_or(|held| text(&held["place"]) != leaf(number) || items(held) != *qty) {
            wrong.push(format!("person {number}: hold {id} is {held:?}"));
        }
    }
    report.none("acknowledged holds that the ledger has otherwise", &wrong);
    let lost = notes.confirmed.iter().filter(|(_, (id, qty))| sales.get(id.as_str()) != Some(qty));
    let lost: Vec<_> = lost.map(|(number, (id, _))| format!("person {number}: {id}")).collect();
    report.none("acknowledged sales that the ledger has otherwise", &lost);
    let of_people: u64 = notes.confirmed.values().map(|(_, qty)| qty).sum();
    report.check("tickets sold by people", of_people == capacity, of_people);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
