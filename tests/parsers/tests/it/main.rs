//! Every target on its corpus and on random changes of it. `INPUTS=100000` runs more of them,
//! `SEED=7` repeats a run.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod corpus;
mod mutate;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use parser_tests::{TARGETS, Target};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Random inputs of each target.
const INPUTS: u64 = 3_000;

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
    let mut paths: Vec<_> =
        std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let corpus: Vec<_> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    assert!(!corpus.is_empty(), "{} is empty", dir.display());
    corpus
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn check(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let corpus = corpus(target);
    let run = |input: &[u8], what: &str| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (target.run)(input))) {
            println!("{name}, {what}: {:?}", String::from_utf8_lossy(input));
            std::panic::resume_unwind(panic);
        }
    };
    for input in &corpus {
        run(input, "corpus");
    }
    let seed = number("SEED").unwrap_or_else(|| rand::rng().random());
    let mut rng = StdRng::seed_from_u64(seed);
    for count in 0..number("INPUTS").unwrap_or(INPUTS) {
        let input = mutate::mutated(&corpus, &mut rng);
        run(&input, &format!("SEED={seed}, input {count}"));
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_target_has_a_test_and_a_fuzzer() {
            let names = [$(stringify!($name)),*];
            assert_eq!(names.len(), TARGETS.len());
            for name in names {
                let fuzzer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/fuzz_targets").join(format!("{name}.rs"));
                assert!(std::fs::read_to_string(&fuzzer).unwrap().contains(&format!("parser_tests::{name}(")), "{}", fuzzer.display());
            }
        }
    };
}

targets! { control database_url forwarded headers http_call ledger names pages quantity record rows settings ticket ticket_system }
