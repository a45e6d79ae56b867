//! From a path to the file that defines its target.

use super::tree::{Crate, Module, Name, Segments};

/// Re-exports a path may go through.
const REEXPORTS_MAX: usize = 32;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Module(Segments),
    /// An item, by the file that defines it.
    Item(String),
}

impl Crate {
    /// The target of `path` as written in the module `from`; `None` when it is outside the crate.
    pub(super) fn resolve(&self, from: &[String], path: &[String], left: usize) -> Option<Target> {
        let left = left.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        let mut target = match first.as_str() {
            "crate" => Target::Module(Segments::new()),
            "self" => Target::Module(from.to_vec()),
            "super" => Target::Module(parent(from)?),
            name => self.lookup(from, name, left)?,
        };
        for segment in rest {
            let Target::Module(module) = &target else { return Some(target) };
            target = match segment.as_str() {
                "super" => Target::Module(parent(module)?),
                "self" => continue,
                name => self.lookup(module, name, left).or_else(|| {
                    // A macro defines it.
                    self.modules.get(module).map(|module| Target::Item(module.file.clone()))
                })?,
            };
        }
        Some(target)
    }

    /// The same with the usual number of re-exports.
    pub(super) fn target(&self, from: &[String], path: &[String]) -> Option<Target> {
        self.resolve(from, path, REEXPORTS_MAX)
    }

    fn lookup(&self, at: &[String], name: &str, left: usize) -> Option<Target> {
        let module = self.modules.get(at)?;
        let meanings = module.names.get(name).map_or(&[][..], Vec::as_slice);
        let found = meanings.iter().find_map(|meaning| self.meaning(module, at, meaning, left));
        found.or_else(|| {
            module.globs.iter().find_map(|glob| match self.resolve(at, glob, left)? {
                Target::Module(other) if other != at => {
                    self.lookup(&other, name, left.checked_sub(1)?)
                }
                _ => None,
            })
        })
    }

    fn meaning(&self, module: &Module, at: &[String], name: &Name, left: usize) -> Option<Target> {
        match name {
            Name::Item => Some(Target::Item(module.file.clone())),
            Name::Module(path) => Some(Target::Module(path.clone())),
            Name::Import { path, .. } => self.resolve(at, path, left),
        }
    }
}

fn parent(module: &[String]) -> Option<Segments> {
    module.split_last().map(|(_, parent)| parent.to_vec())
}
