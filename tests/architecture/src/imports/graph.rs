//! The graph of imports between files, and the crates each file names.

use std::collections::BTreeSet;

use super::{
    resolve::Target,
    tree::{Crate, Module, Name},
};
use crate::cycles::Edges;

impl Crate {
    /// Each file with the files it imports from.
    #[must_use]
    pub fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (path, module) in &self.modules {
            if self.facades.contains(&module.file) {
                continue;
            }
            let imports = module.names.values().flatten().filter_map(|name| match name {
                Name::Import { path: to, reexport } if !(*reexport && self.below(path, to)) => {
                    self.target(path, to)
                }
                _ => None,
            });
            let used = module.paths.iter().filter_map(|used| self.target(path, used));
            let targets = edges.entry(module.file.clone()).or_default();
            targets.extend(imports.chain(used).filter_map(|target| match target {
                Target::Item(file) if file != module.file && !self.facades.contains(&file) => {
                    Some(file)
                }
                _ => None,
            }));
        }
        edges
    }

    /// Whether `to`, written in the module `at`, is in a module below it.
    fn below(&self, at: &[String], to: &[String]) -> bool {
        let parents = to.split_last().and_then(|(_, parents)| self.target(at, parents));
        matches!(parents, Some(Target::Module(module)) if module.starts_with(at))
    }

    /// The files whose code names the crate `name`.
    #[must_use]
    pub fn files_that_name(&self, name: &str) -> BTreeSet<String> {
        let names = |module: &&Module| {
            let imports = module.names.values().flatten().filter_map(|name| match name {
                Name::Import { path, .. } => Some(path),
                _ => None,
            });
            let mut paths = module.paths.iter().chain(&module.globs).chain(imports);
            paths.any(|path| path.first().is_some_and(|first| first == name))
        };
        self.modules
            .iter()
            .filter(|(path, module)| {
                names(module) && self.target(path, &[name.to_owned()]).is_none()
            })
            .map(|(_, module)| module.file.clone())
            .collect()
    }
}
