//! Strongly connected components of a graph of names, and one circle of each as text.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Each node with the nodes it refers to.
pub type Edges = BTreeMap<String, BTreeSet<String>>;

/// The components of more than one node, and nodes that refer to themselves.
#[must_use]
pub fn circles(edges: &Edges) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        edges.keys().map(|node| (node.as_str(), reachable(edges, node))).collect();
    let mut found: Vec<BTreeSet<String>> = Vec::new();
    for (node, from_node) in &reached {
        let seen = found.iter().any(|circle| circle.contains(*node));
        if seen || !from_node.contains(node) {
            continue;
        }
        let back = |other: &&&str| reached.get(**other).is_some_and(|there| there.contains(node));
        found.push(from_node.iter().filter(back).map(|name| (*name).to_owned()).collect());
    }
    found
}

/// A shortest circle within `component`, as `a -> b -> a`.
#[must_use]
pub fn describe(edges: &Edges, component: &BTreeSet<String>) -> String {
    component
        .iter()
        .filter_map(|node| shortest_way_back(edges, node))
        .min_by_key(Vec::len)
        .map_or_else(String::new, |way| way.join(" -> "))
}

fn next<'a>(edges: &'a Edges, node: &str) -> impl Iterator<Item = &'a str> {
    edges.get(node).into_iter().flatten().map(String::as_str)
}

fn reachable<'a>(edges: &'a Edges, start: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut open: Vec<&str> = next(edges, start).collect();
    while let Some(node) = open.pop() {
        if seen.insert(node) {
            open.extend(next(edges, node));
        }
    }
    seen
}

fn shortest_way_back<'a>(edges: &'a Edges, start: &'a str) -> Option<Vec<&'a str>> {
    let mut before: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for target in next(edges, node) {
            if target == start {
                let mut way = vec![start, node];
                while let Some(earlier) = way.last().and_then(|last| before.get(last)) {
                    way.push(earlier);
                }
                way.reverse();
                return Some(way);
            }
            if !before.contains_key(target) {
                before.insert(target, node);
                open.push_back(target);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Edges {
        let mut graph = Edges::new();
        for (from, to) in edges {
            graph.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    }

    fn found(edges: &[(&str, &str)]) -> Vec<String> {
        let edges = graph(edges);
        circles(&edges).iter().map(|circle| describe(&edges, circle)).collect()
    }

    #[test]
    fn graph_without_circles_has_none() {
        assert!(found(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]).is_empty());
    }

    #[test]
    fn circle_of_two_is_found() {
        assert_eq!(found(&[("a", "b"), ("b", "a"), ("b", "c")]), ["a -> b -> a"]);
    }

    #[test]
    fn circle_of_three_is_found() {
        assert_eq!(found(&[("a", "b"), ("b", "c"), ("c", "a"), ("x", "a")]), ["a -> b -> c -> a"]);
    }

    #[test]
    fn node_that_refers_to_itself_is_found() {
        assert_eq!(found(&[("a", "a"), ("a", "b")]), ["a -> a"]);
    }

    #[test]
    fn separate_circles_are_reported_separately() {
        let edges = [("a", "b"), ("b", "a"), ("b", "c"), ("c", "d"), ("d", "c")];
        assert_eq!(found(&edges), ["a -> b -> a", "c -> d -> c"]);
    }

    #[test]
    fn shortest_circle_of_a_component_is_shown() {
        let edges = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "b")];
        let graph = graph(&edges);
        assert_eq!(circles(&graph).len(), 1);
        assert_eq!(circles(&graph).first().map(BTreeSet::len), Some(3));
        assert_eq!(found(&edges), ["b -> c -> b"]);
    }
}
