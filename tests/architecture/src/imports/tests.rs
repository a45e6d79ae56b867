//! The graph of made-up crates.

use std::path::Path;

use super::{Crate, ImportError, load};
use crate::cycles::{circles, describe};

fn parse(files: &[(&str, &str)]) -> Result<Crate, ImportError> {
    load(Path::new(files[0].0), &|path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| (*text).to_owned())
    })
}

fn edges(files: &[(&str, &str)]) -> Vec<String> {
    let edges = parse(files).unwrap().edges();
    let pairs = edges.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
    pairs.map(|(from, to)| format!("{from} -> {to}")).collect()
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let edges = parse(files).unwrap().edges();
    circles(&edges).iter().map(|circle| describe(&edges, circle)).collect()
}

#[test]
fn circle_of_two_files_is_found() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "use super::a::A; pub struct B; fn f(_: A) {}"),
    ];
    assert_eq!(found(&files), ["a.rs -> b.rs -> a.rs"]);
}

#[test]
fn inline_path_counts_as_an_import() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub fn a() { crate::b::b() }"),
        ("b.rs", "pub fn b() { super::a::a() }"),
    ];
    assert_eq!(found(&files), ["a.rs -> b.rs -> a.rs"]);
}

#[test]
fn path_through_an_imported_module_counts() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use super::b; pub fn a() { b::b() }"),
        ("b.rs", "use crate::a as other; pub fn b() { other::a() }"),
    ];
    assert_eq!(found(&files), ["a.rs -> b.rs -> a.rs"]);
}

#[test]
fn re_export_leads_to_the_child() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "//! Doc.\nmod x; mod y; pub use x::X; pub use self::y::Y;"),
        ("a/x.rs", "pub struct X;"),
        ("a/y.rs", "use super::X; pub struct Y(X);"),
        ("b.rs", "use crate::a::{X, Y}; fn f(_: X, _: Y) {}"),
    ];
    assert_eq!(edges(&files), ["a/y.rs -> a/x.rs", "b.rs -> a/x.rs", "b.rs -> a/y.rs"]);
}

#[test]
fn chain_of_re_exports_is_followed() {
    let files = [
        ("lib.rs", "mod a; mod b; pub use a::*;"),
        ("a/mod.rs", "mod x; pub use x::X as Z;"),
        ("a/x.rs", "use crate::b::B; pub struct X(B);"),
        ("b.rs", "use crate::Z; pub struct B(Z);"),
    ];
    assert_eq!(found(&files), ["a/x.rs -> b.rs -> a/x.rs"]);
}

#[test]
fn parent_with_code_and_child_are_a_circle() {
    let parent = "mod x; use x::X; pub struct A(X);";
    let files = [("lib.rs", "mod a;"), ("a/mod.rs", parent), ("a/x.rs", "pub struct X(super::A);")];
    assert_eq!(found(&files), ["a/mod.rs -> a/x.rs -> a/mod.rs"]);
}

#[test]
fn parent_that_only_re_exports_its_child_is_not_a_circle() {
    let parent = "mod x; pub use x::X; pub struct A;";
    let files = [("lib.rs", "mod a;"), ("a/mod.rs", parent), ("a/x.rs", "pub struct X(super::A);")];
    assert!(found(&files).is_empty());
    let parent = "mod x; pub use x::X; pub struct A; fn f(_: X) {}";
    let files = [("lib.rs", "mod a;"), ("a/mod.rs", parent), ("a/x.rs", "pub struct X(super::A);")];
    assert_eq!(found(&files), ["a/mod.rs -> a/x.rs -> a/mod.rs"]);
}

#[test]
fn tests_do_not_count() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub struct A; #[cfg(test)] mod tests { use crate::b::B; }"),
        ("b.rs", "use crate::a::A; pub struct B(A); #[cfg(test)] fn f() { crate::a::g() }"),
    ];
    assert_eq!(edges(&files), ["b.rs -> a.rs"]);
}

#[test]
fn macros_attributes_and_local_imports_count() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "fn f() { println!(\"{}\", crate::b::B); }"),
        ("b.rs", "pub const B: u8 = 1;"),
    ];
    assert_eq!(edges(&files), ["a.rs -> b.rs"]);
    let files = [
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "#[serde(with = \"crate::b\")] struct A { #[x(default = \"super::b::f\")] a: u8 }",
        ),
        ("b.rs", "pub fn f() {}"),
    ];
    assert_eq!(edges(&files), ["a.rs -> b.rs"]);
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "fn f() { use crate::b::B; B; }"),
        ("b.rs", "pub const B: u8 = 1;"),
    ];
    assert_eq!(edges(&files), ["a.rs -> b.rs"]);
}

#[test]
fn inline_module_belongs_to_its_file() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "pub mod x { use super::super::b::B; pub struct X(B); }"),
        ("b.rs", "pub struct B; fn f(_: crate::a::x::X) {}"),
    ];
    assert_eq!(found(&files), ["a.rs -> b.rs -> a.rs"]);
}

#[test]
fn other_crates_are_not_in_the_graph() {
    let files = [
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "use serde::b::B; use std::fmt; fn f() { fmt::b(); ::b::x(); }"),
        ("b.rs", "pub(in crate::a) struct B;"),
    ];
    assert!(edges(&files).is_empty());
}

#[test]
fn files_that_name_a_crate_are_found() {
    let files = [
        ("lib.rs", "mod a; mod b; mod c; mod vacancy;"),
        ("a.rs", "use vacancy::wire::B;"),
        ("b.rs", "fn f() { vacancy::wire::f() }"),
        ("c.rs", "use super::vacancy; fn f() { vacancy::f() }"),
        ("vacancy.rs", "pub fn f() {}"),
    ];
    let found: Vec<_> = parse(&files).unwrap().files_that_name("vacancy").into_iter().collect();
    assert_eq!(found, ["a.rs", "b.rs"]);
}

#[test]
fn module_without_a_file_is_an_error() {
    assert!(matches!(parse(&[("lib.rs", "mod a;")]), Err(ImportError::Missing { .. })));
    assert!(matches!(parse(&[("lib.rs", "mod a {")]), Err(ImportError::Syntax { .. })));
}
