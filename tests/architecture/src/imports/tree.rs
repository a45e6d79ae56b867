//! The modules of a crate and the names each of them has.

use std::collections::{BTreeMap, BTreeSet};

/// The segments of a path, `crate::a::B` as `["crate", "a", "B"]`.
pub(super) type Segments = Vec<String>;

/// A crate: its modules by path below the root, which is the empty path.
#[derive(Debug, Default)]
pub struct Crate {
    pub(super) modules: BTreeMap<Segments, Module>,
    /// Files that only declare modules and re-export.
    pub(super) facades: BTreeSet<String>,
}

/// A module, in a file of its own or inline.
#[derive(Debug, Default)]
pub(super) struct Module {
    pub file: String,
    pub names: BTreeMap<String, Vec<Name>>,
    /// Modules of `use path::*`.
    pub globs: Vec<Segments>,
    /// Paths in the code of the module, of one segment or more.
    pub paths: BTreeSet<Segments>,
}

/// What a name in a module stands for.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Item,
    Module(Segments),
    Import { path: Segments, reexport: bool },
}

impl Module {
    pub fn add(&mut self, name: impl Into<String>, meaning: Name) {
        self.names.entry(name.into()).or_default().push(meaning);
    }
}
