//! The rendered manifests, as snapshots.

use chart_tests::{template, values};

/// The output of `helm template` for each values file. Dashboards and rules are cut: they are files
/// of their own.
#[test]
fn rendered_manifests_match_snapshots() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in values() {
            let file = chart_tests::root("tests/chart/values").join(format!("{name}.yaml"));
            let text = template("shop", "demo", &["--values", file.to_str().unwrap()]).unwrap();
            insta::assert_snapshot!(name, in_order(&text));
        }
    });
}

/// The documents sorted: the order differs between versions of helm.
fn in_order(text: &str) -> String {
    let mut documents: Vec<String> = text
        .split("---\n")
        .map(str::trim_end)
        .filter(|document| !document.is_empty())
        .map(cut)
        .collect();
    documents.sort();
    documents.join("\n---\n")
}

fn cut(document: &str) -> String {
    let kept = ["\ndata:\n", "\n  groups:\n"]
        .iter()
        .find_map(|start| document.find(start).map(|at| at + start.len()));
    kept.map_or_else(|| document.to_owned(), |at| format!("{}    …", &document[..at]))
}
