//! Random changes of inputs, as a fuzzer makes them, without feedback from coverage.

use rand::{RngExt, rngs::StdRng};

/// Tokens on which parsers fail.
const PIECES: [&[u8]; 24] = [
    b"",
    b"0",
    b"-1",
    b"9223372036854775807",
    b"18446744073709551615",
    b"18446744073709551616",
    b"1e999",
    b"\0",
    b"\r\n",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "\u{202e}🎫\u{301}".as_bytes(),
    b"null",
    b"[]",
    b"{}",
    b"[[[[[[[[[[",
    b"\"",
    b"\\",
    b"%",
    b"%00",
    b"=",
    b":",
    b",",
    b"..",
];
const LEN_MAX: usize = 20_000;

/// An input of `corpus`, changed in one to six places.
pub fn mutated(corpus: &[Vec<u8>], rng: &mut StdRng) -> Vec<u8> {
    let mut input = one_of(corpus, rng).clone();
    for _ in 0..rng.random_range(1..=6) {
        change(&mut input, corpus, rng);
    }
    input.truncate(LEN_MAX);
    input
}

fn change(input: &mut Vec<u8>, corpus: &[Vec<u8>], rng: &mut StdRng) {
    let (from, to) = range(input, rng);
    match rng.random_range(0..8) {
        0 => drop(input.splice(from..to, one_of(&PIECES, rng).iter().copied())),
        1 => drop(input.drain(from..to)),
        2 => input.insert(from, rng.random()),
        3 => {
            let copy = input[from..to].to_vec();
            drop(input.splice(from..from, copy));
        }
        4 => {
            if let Some(byte) = input.get_mut(from) {
                *byte ^= 1 << rng.random_range(0..8);
            }
        }
        5 => {
            let other = one_of(corpus, rng);
            let (start, end) = range(other, rng);
            drop(input.splice(from..to, other[start..end].iter().copied()));
        }
        6 => {
            let digits: Vec<usize> =
                (0..input.len()).filter(|at| input[*at].is_ascii_digit()).collect();
            if !digits.is_empty() {
                let at = *one_of(&digits, rng);
                drop(input.splice(at..=at, one_of(&PIECES[1..7], rng).iter().copied()));
            }
        }
        _ => {
            let byte = rng.random();
            drop(input.splice(from..from, std::iter::repeat_n(byte, rng.random_range(1..400))));
        }
    }
}

/// A part of `input`, mostly a short one.
fn range(input: &[u8], rng: &mut StdRng) -> (usize, usize) {
    let from = rng.random_range(0..=input.len());
    (from, (from + rng.random_range(0..=16)).min(input.len()))
}

fn one_of<'a, T>(all: &'a [T], rng: &mut StdRng) -> &'a T {
    &all[rng.random_range(0..all.len())]
}
