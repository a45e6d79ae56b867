//! Warnings about variables, such as those whose names are almost those of settings.

use clap::Args;

use crate::{
    Source,
    setting::{command, settings},
};

/// What is probably not meant: a sentence for each variable that a `.env` file sets again, and for
/// each whose name is almost that of a setting of `T`. The sentences show no value.
#[must_use]
pub fn warnings<T: Args>(source: &Source) -> Vec<String> {
    let known: Vec<String> =
        settings(&command::<T>()).into_iter().map(|setting| setting.name).collect();
    let mut misspelt: Vec<_> = source
        .names()
        .filter(|name| !known.iter().any(|known| known == name))
        .filter_map(|name| Some((name, nearest(name, &known)?)))
        .map(|(name, nearest)| format!("{name} is not a setting; did you mean {nearest}?"))
        .collect();
    misspelt.sort();
    [source.repeated(), &misspelt].concat()
}

/// The nearest of `known`, if it is near enough. The first one wins.
fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a String> {
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), known))
        .filter(|(distance, known)| *distance <= near(known))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// The most mistakes that a name of this length may have: short names are near to many words.
fn near(known: &str) -> usize {
    match known.len() {
        0..=5 => 1,
        6..=12 => 2,
        _ => 3,
    }
}
