//! Dependencies between packages, as `cargo metadata` lists them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use cargo_metadata::{CargoOpt, DependencyKind, Metadata, MetadataCommand};

/// A package of the graph.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder below the root of the repository, when it belongs to the workspace.
    pub folder: Option<String>,
    /// Ids of its normal dependencies.
    pub needs: BTreeSet<String>,
    /// Dependencies it names with the feature `test-util`, with the kind.
    pub test_util: Vec<(String, Kind)>,
}

/// The kind of a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `[dependencies]` or `[build-dependencies]`.
    Product,
    /// `[dev-dependencies]`.
    Test,
}

/// All packages by id.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The packages.
    pub packages: BTreeMap<String, Package>,
}

/// A package may not be reached from another.
#[derive(Clone, Copy, Debug)]
pub struct Forbidden {
    /// The packages the rule is about: a name, or a prefix that ends with `*`.
    pub from: &'static str,
    /// Packages none of them may depend on.
    pub to: &'static [&'static str],
    /// Whether a dependency of a dependency counts.
    pub reach: Reach,
}

/// Which dependencies a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those in the manifest alone.
    Direct,
    /// Those of dependencies, too.
    Transitive,
}

/// Runs `cargo metadata` for the workspace at `root`.
///
/// # Errors
/// When cargo fails, for example because Cargo.lock is stale.
pub fn load(root: &Path) -> Result<Metadata, cargo_metadata::Error> {
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .features(CargoOpt::AllFeatures)
        .other_options(vec!["--locked".to_owned(), "--filter-platform".to_owned(), target])
        .exec()
}

impl Graph {
    /// The graph of normal dependencies, with all features on.
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        let mut graph = Self::default();
        for package in &metadata.packages {
            let members = &metadata.workspace_members;
            let folder = members.contains(&package.id).then(|| {
                let folder = package.manifest_path.parent().unwrap_or(&package.manifest_path);
                folder.strip_prefix(&metadata.workspace_root).unwrap_or(folder).to_string()
            });
            let test_util = package
                .dependencies
                .iter()
                .filter(|needed| needed.features.iter().any(|feature| feature == "test-util"))
                .map(|needed| {
                    let test = needed.kind == DependencyKind::Development;
                    (needed.name.clone(), if test { Kind::Test } else { Kind::Product })
                })
                .collect();
            let found = Package {
                name: package.name.to_string(),
                version: package.version.to_string(),
                folder,
                needs: BTreeSet::new(),
                test_util,
            };
            graph.packages.insert(package.id.repr.clone(), found);
        }
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            let normal = node.deps.iter().filter(|needed| {
                needed.dep_kinds.iter().any(|kind| kind.kind == DependencyKind::Normal)
            });
            if let Some(package) = graph.packages.get_mut(&node.id.repr) {
                package.needs.extend(normal.map(|needed| needed.pkg.repr.clone()));
            }
        }
        graph
    }

    /// Packages of the workspace whose names match `pattern`: a name, or a prefix before `*`.
    pub fn members<'a>(&'a self, pattern: &'a str) -> impl Iterator<Item = (&'a str, &'a Package)> {
        self.packages
            .iter()
            .filter(move |(_, package)| package.folder.is_some() && matches(pattern, &package.name))
            .map(|(id, package)| (id.as_str(), package))
    }

    /// The names from `from` to a package called `to`, when there is a way.
    fn way(&self, from: &str, to: &str, reach: Reach) -> Option<String> {
        let mut before: BTreeMap<&str, &str> = BTreeMap::new();
        let mut open = std::collections::VecDeque::from([from]);
        while let Some(id) = open.pop_front() {
            let package = self.packages.get(id)?;
            if id != from && matches(to, &package.name) {
                let mut way = vec![package.name.as_str()];
                let mut at = id;
                while let Some(earlier) = before.get(at) {
                    way.extend(self.packages.get(*earlier).map(|package| package.name.as_str()));
                    at = earlier;
                }
                way.reverse();
                return Some(way.join(" -> "));
            }
            if reach == Reach::Direct && id != from {
                continue;
            }
            for needed in &package.needs {
                if needed != from && !before.contains_key(needed.as_str()) {
                    before.insert(needed, id);
                    open.push_back(needed);
                }
            }
        }
        None
    }

    /// Every way that breaks a rule; a rule about a package that does not exist is an error too.
    #[must_use]
    pub fn broken(&self, rules: &[Forbidden]) -> Vec<String> {
        let mut found = Vec::new();
        for rule in rules {
            if self.members(rule.from).next().is_none() {
                found.push(format!("no package is called {}: change the rule", rule.from));
            }
            for (id, _) in self.members(rule.from) {
                found.extend(rule.to.iter().filter_map(|to| self.way(id, to, rule.reach)));
            }
        }
        found
    }

    /// Packages of the workspace other than `allowed` whose normal dependencies name `needed`.
    #[must_use]
    pub fn used_elsewhere(&self, needed: &str, allowed: &[&str]) -> Vec<String> {
        self.members("*")
            .filter(|(_, package)| {
                !allowed.contains(&package.name.as_str())
                    && !package.folder.as_ref().is_some_and(|folder| folder.starts_with("tests/"))
            })
            .filter_map(|(id, _)| self.way(id, needed, Reach::Direct))
            .collect()
    }

    /// Packages outside `tests/` that turn on a feature `test-util` for the product.
    #[must_use]
    pub fn test_util_in_product(&self) -> Vec<String> {
        let own = |name: &str| self.members("*").any(|(_, package)| package.name == name);
        self.members("*")
            .filter(|(_, package)| {
                !package.folder.as_ref().is_some_and(|folder| folder.starts_with("tests/"))
            })
            .flat_map(|(_, package)| {
                let uses = package.test_util.iter();
                let wrong = uses.filter(|(name, kind)| *kind == Kind::Product || own(name));
                wrong.map(|(name, _)| {
                    format!("{} depends on {name} with the feature test-util", package.name)
                })
            })
            .collect()
    }

    /// Packages of which there is more than one version, as `name: 1.0.0, 2.0.0`. An exception
    /// names a package, the start of a version and the only package that may depend on it.
    #[must_use]
    pub fn several_versions(
        &self,
        names: &[&str],
        exceptions: &[(&str, &str, &str)],
    ) -> Vec<String> {
        let excepted = |id: &str, package: &Package| {
            exceptions.iter().any(|(name, version, dependent)| {
                let mut dependents =
                    self.packages.values().filter(|other| other.needs.contains(id));
                package.name == *name
                    && package.version.starts_with(version)
                    && dependents.all(|other| other.name == *dependent)
            })
        };
        let versions = |name: &str| {
            let named = self.packages.iter().filter(|(_, package)| package.name == name);
            let counted = named.filter(|(id, package)| !excepted(id, package));
            counted.map(|(_, package)| package.version.clone()).collect::<Vec<_>>()
        };
        names
            .iter()
            .map(|name| (name, versions(name)))
            .filter(|(_, versions)| versions.len() != 1)
            .map(|(name, versions)| format!("{name}: {}", versions.join(", ")))
            .collect()
    }
}

fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => name == pattern,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packages of a workspace; those whose names are in capitals come from outside.
    fn graph(edges: &[(&str, &[&str])]) -> Graph {
        let mut graph = Graph::default();
        for (name, needs) in edges {
            for name in needs.iter().chain([name]) {
                let outside = name.chars().any(char::is_uppercase);
                graph.packages.entry((*name).to_owned()).or_insert_with(|| Package {
                    name: (*name).to_owned(),
                    version: "1.0.0".to_owned(),
                    folder: (!outside).then(|| format!("crates/{name}")),
                    ..Package::default()
                });
            }
            if let Some(package) = graph.packages.get_mut(*name) {
                package.needs = needs.iter().map(|name| (*name).to_owned()).collect();
            }
        }
        graph
    }

    fn rule(from: &'static str, to: &'static [&'static str], reach: Reach) -> [Forbidden; 1] {
        [Forbidden { from, to, reach }]
    }

    #[test]
    fn transitive_dependency_breaks_a_transitive_rule() {
        let graph = graph(&[("pure", &["helper"]), ("helper", &["TOKIO"])]);
        let rules = rule("pure", &["TOKIO"], Reach::Transitive);
        assert_eq!(graph.broken(&rules), ["pure -> helper -> TOKIO"]);
        assert!(graph.broken(&rule("pure", &["TOKIO"], Reach::Direct)).is_empty());
        assert!(graph.broken(&rule("pure", &["FJALL"], Reach::Transitive)).is_empty());
    }

    #[test]
    fn direct_dependency_breaks_a_direct_rule() {
        let graph = graph(&[("store-a", &["store-b"]), ("store-b", &[])]);
        let rules = rule("store-*", &["store-b"], Reach::Direct);
        assert_eq!(graph.broken(&rules), ["store-a -> store-b"]);
    }

    #[test]
    fn rule_about_an_unknown_package_fails() {
        let rules = rule("gone", &["TOKIO"], Reach::Direct);
        assert_eq!(graph(&[("pure", &[])]).broken(&rules).len(), 1);
    }

    #[test]
    fn use_outside_the_allowed_packages_is_found() {
        let mut graph =
            graph(&[("postgres", &["SQL"]), ("vacancy", &["SQL"]), ("bench", &["SQL"])]);
        graph.packages.get_mut("bench").unwrap().folder = Some("tests/bench".to_owned());
        assert_eq!(graph.used_elsewhere("SQL", &["postgres"]), ["vacancy -> SQL"]);
    }

    #[test]
    fn test_util_in_the_product_is_found() {
        let mut graph = graph(&[("store", &[]), ("vacancy", &["store"])]);
        let vacancy = graph.packages.get_mut("vacancy").unwrap();
        vacancy.test_util = vec![("TOKIO".to_owned(), Kind::Test)];
        assert!(graph.test_util_in_product().is_empty());
        let vacancy = graph.packages.get_mut("vacancy").unwrap();
        vacancy.test_util.push(("store".to_owned(), Kind::Product));
        assert_eq!(graph.test_util_in_product().len(), 1);
    }

    #[test]
    fn second_version_is_found_unless_excepted() {
        let mut graph = graph(&[("app", &["AXUM", "AXUM-OLD"]), ("CLIENT", &["AXUM-OLD"])]);
        let old = graph.packages.get_mut("AXUM-OLD").unwrap();
        (old.name, old.version) = ("AXUM".to_owned(), "0.6.2".to_owned());
        let exception = [("AXUM", "0.6.", "CLIENT")];
        assert_eq!(graph.several_versions(&["AXUM"], &[]), ["AXUM: 1.0.0, 0.6.2"]);
        assert_eq!(graph.several_versions(&["AXUM"], &exception).len(), 1, "app needs it, too");
        graph.packages.get_mut("app").unwrap().needs.remove("AXUM-OLD");
        assert!(graph.several_versions(&["AXUM"], &exception).is_empty());
    }
}
