//! The metrics that dashboards and rules name.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::{
    label::{METRIC_NAME, MatchOp},
    parser::{self, Expr, VectorSelector},
    util::{ExprVisitor, walk_expr},
};
use serde_json::Value;

use crate::{chart, documents};

/// Each metric, with the places that name it.
pub type Named = BTreeMap<String, BTreeSet<String>>;

/// Every metric in a dashboard or a rule, except those that rules record.
///
/// # Panics
/// When an expression does not parse, or there is none.
pub fn named() -> Named {
    let mut named = Named::new();
    let mut recorded = BTreeSet::new();
    for (place, expression) in expressions(&mut recorded) {
        let parsed = parser::parse(&expression)
            .unwrap_or_else(|error| panic!("{place}: {error}\n{expression}"));
        for metric in metrics_of(&parsed) {
            named.entry(metric).or_default().insert(place.clone());
        }
    }
    for record in &recorded {
        assert!(named.remove(record).is_some(), "{record} is recorded, and nothing reads it");
    }
    let unknown: Vec<_> = named.keys().filter(|name| name.contains(':')).collect();
    assert!(unknown.is_empty(), "read, and recorded nowhere: {unknown:?}");
    named
}

/// Every expression with its place, with Grafana's variables replaced.
fn expressions(recorded: &mut BTreeSet<String>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for path in files("rules", "yaml") {
        for document in documents(&std::fs::read_to_string(&path).unwrap()) {
            for rule in document["groups"]
                .as_array()
                .unwrap()
                .iter()
                .flat_map(|group| group["rules"].as_array().unwrap())
            {
                recorded.extend(rule["record"].as_str().map(str::to_owned));
                let name = rule["alert"].as_str().or(rule["record"].as_str()).unwrap();
                found.push((format!("rule {name}"), rule["expr"].as_str().unwrap().to_owned()));
            }
        }
    }
    for path in files("dashboards", "json") {
        let dashboard: Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let title = dashboard["title"].as_str().unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            for target in panel["targets"].as_array().into_iter().flatten() {
                let place = format!("dashboard {title}, {}", panel["title"].as_str().unwrap());
                found.push((place, filled_in(target["expr"].as_str().unwrap())));
            }
        }
        for variable in dashboard["templating"]["list"].as_array().unwrap() {
            // label_values(METRIC, LABEL)
            if let Some(query) = variable["query"]["query"].as_str() {
                let inner = query
                    .strip_prefix("label_values(")
                    .and_then(|rest| rest.rsplit_once(','))
                    .expect("label_values(metric, label)")
                    .0;
                found.push((
                    format!("dashboard {title}, variable {}", variable["name"]),
                    filled_in(inner),
                ));
            }
        }
    }
    assert!(!found.is_empty());
    found
}

/// The chart's files in `folder`, at least one.
///
/// # Panics
/// When there are none.
pub fn files(folder: &str, extension: &str) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(chart().join(folder)).unwrap();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no {extension} in {folder}");
    paths
}

fn filled_in(expression: &str) -> String {
    expression
        .replace("$__rate_interval", "5m")
        .replace("$__range", "1h")
        .replace("$__interval", "1m")
}

fn metrics_of(expression: &Expr) -> BTreeSet<String> {
    struct Collector(BTreeSet<String>);
    impl Collector {
        fn add(&mut self, selector: &VectorSelector) {
            let by_label = selector
                .matchers
                .matchers
                .iter()
                .find(|matcher| matcher.name == METRIC_NAME && matcher.op == MatchOp::Equal);
            let name =
                selector.name.clone().or_else(|| by_label.map(|matcher| matcher.value.clone()));
            self.0.insert(name.expect("every selector names its metric"));
        }
    }
    impl ExprVisitor for Collector {
        type Error = std::convert::Infallible;
        fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Self::Error> {
            match expression {
                Expr::VectorSelector(selector) => self.add(selector),
                Expr::MatrixSelector(selector) => self.add(&selector.vs),
                _ => {}
            }
            Ok(true)
        }
    }
    let mut collector = Collector(BTreeSet::new());
    walk_expr(&mut collector, expression).unwrap_or_else(|never| match never {});
    collector.0
}

/// The names of samples in a scrape, such as `x_bucket` of a histogram.
pub fn scraped(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect()
}
