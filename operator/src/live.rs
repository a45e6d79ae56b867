//! The live children of one system.

use std::{collections::BTreeMap, sync::Arc};

use kube::core::DynamicObject;

use crate::kind::Kind;

/// Live children that the system owns or may adopt.
#[derive(Clone, Debug, Default)]
pub struct Live {
    children: BTreeMap<(Kind, String), Arc<DynamicObject>>,
    denied: BTreeMap<Kind, String>,
}

impl Live {
    /// The live child of this kind and name.
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Arc<DynamicObject>> {
        self.children.get(&(kind, name.to_owned()))
    }

    /// Adds or replaces a child.
    pub fn insert(&mut self, kind: Kind, name: String, object: Arc<DynamicObject>) {
        self.children.insert((kind, name), object);
    }

    /// Removes a child, if it is there.
    pub fn remove(&mut self, kind: Kind, name: &str) {
        self.children.remove(&(kind, name.to_owned()));
    }

    /// All children, ordered by kind and name.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, &str, &Arc<DynamicObject>)> {
        self.children.iter().map(|((kind, name), object)| (*kind, name.as_str(), object))
    }

    /// Records that the API server denies reading children of this kind, with its answer.
    pub fn deny(&mut self, kind: Kind, message: String) {
        self.denied.insert(kind, message);
    }

    /// The API server's answer, if it denies reading children of this kind. They are unknown, and
    /// must not be written.
    pub fn denied(&self, kind: Kind) -> Option<&str> {
        self.denied.get(&kind).map(String::as_str)
    }
}
