//! Dashboards and rules in the rendered chart, and the runbook of the alerts.

use std::collections::BTreeSet;

use chart_tests::{documents, root, template, the, watched::files};
use serde_json::Value;

const RUNBOOK: &str = "docs/slo.md";

fn rendered(set: &str) -> Vec<Value> {
    documents(&template("shop", "demo", &["--set", set]).unwrap())
}

/// The groups of all rule files.
fn groups() -> Vec<Value> {
    let groups = |path: &std::path::PathBuf| {
        documents(&std::fs::read_to_string(path).unwrap())[0]["groups"].as_array().unwrap().clone()
    };
    files("rules", "yaml").iter().flat_map(groups).collect()
}

fn alerts(groups: &[Value]) -> Vec<Value> {
    groups
        .iter()
        .flat_map(|group| group["rules"].as_array().unwrap().clone())
        .filter(|rule| rule["alert"].is_string())
        .collect()
}

#[test]
fn rules_are_rendered_unchanged() {
    let objects = rendered("monitoring.rules.enabled=true");
    let rule = the(&objects, "PrometheusRule", "operator");
    assert_eq!(rule["spec"]["groups"].as_array().unwrap(), &groups());

    let objects = rendered(
        "monitoring.rules.enabled=true,monitoring.rules.runbook=https://docs.example.com/slo",
    );
    let delivered =
        alerts(the(&objects, "PrometheusRule", "operator")["spec"]["groups"].as_array().unwrap());
    for (delivered, own) in delivered.iter().zip(alerts(&groups())) {
        let anchor =
            own["annotations"]["runbook_url"].as_str().unwrap().strip_prefix(RUNBOOK).unwrap();
        assert_eq!(
            delivered["annotations"]["runbook_url"],
            format!("https://docs.example.com/slo{anchor}")
        );
    }
}

#[test]
fn dashboards_are_rendered_unchanged() {
    let objects = rendered("monitoring.dashboards.enabled=true");
    let mut uids = BTreeSet::new();
    for path in files("dashboards", "json") {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let map = the(&objects, "ConfigMap", &format!("-{name}"));
        assert_eq!(map["metadata"]["labels"]["grafana_dashboard"], "1");
        let delivered: Value = serde_json::from_str(
            map["data"][format!("ticket-system-{name}.json")].as_str().unwrap(),
        )
        .unwrap();
        assert_eq!(
            delivered,
            serde_json::from_str::<Value>(&std::fs::read_to_string(&path).unwrap()).unwrap()
        );
        assert!(
            uids.insert(delivered["uid"].as_str().unwrap().to_owned()),
            "{name}: the uid is taken"
        );
        let ids: BTreeSet<_> = delivered["panels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|panel| panel["id"].as_u64().unwrap())
            .collect();
        assert_eq!(
            ids.len(),
            delivered["panels"].as_array().unwrap().len(),
            "{name}: panel ids repeat"
        );
        for panel in delivered["panels"].as_array().unwrap() {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}: {}", panel["title"]);
        }
    }
    assert!(uids.len() >= 4);
    let none = rendered("operator.replicas=2");
    assert!(
        !none
            .iter()
            .any(|object| object["kind"] == "ConfigMap" || object["kind"] == "PrometheusRule"),
        "only on request"
    );
}

/// Every alert has a severity, a summary, a description and a section of the runbook, and every
/// section has an alert.
#[test]
fn every_alert_has_a_runbook() {
    let text = std::fs::read_to_string(root(RUNBOOK)).unwrap();
    let headings: BTreeSet<String> =
        text.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_lowercase).collect();
    let mut named = BTreeSet::new();
    for alert in alerts(&groups()) {
        let name = alert["alert"].as_str().unwrap();
        assert!(
            ["critical", "warning", "info"]
                .contains(&alert["labels"]["severity"].as_str().unwrap()),
            "{name}"
        );
        assert!(
            alert["annotations"]["summary"].is_string()
                && alert["annotations"]["description"].is_string(),
            "{name}"
        );
        let anchor = alert["annotations"]["runbook_url"]
            .as_str()
            .unwrap()
            .strip_prefix("docs/slo.md#")
            .unwrap()
            .to_owned();
        assert_eq!(anchor, name.to_lowercase());
        named.insert(anchor);
    }
    assert_eq!(named, headings, "alerts on the left, pages of {RUNBOOK} on the right");
}

/// Every alert has a test in tests/rules.
#[test]
fn every_alert_is_tested() {
    let entries = std::fs::read_dir(root("tests/rules")).unwrap();
    let tests: String =
        entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    for alert in alerts(&groups()) {
        let name = alert["alert"].as_str().unwrap();
        assert!(
            tests.contains(&format!("alertname: {name}\n")),
            "tests/rules has nothing on {name}"
        );
    }
}
