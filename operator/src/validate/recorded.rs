//! The kind of storage and the initial stock of a running system. The status and the children
//! record them. Each record can be edited or lost, so the majority of three decides.

use kube::{ResourceExt, core::DynamicObject};
use serde_json::Value;

use super::stock::INITIAL_STOCK;
use crate::{
    api::TicketSystem,
    dereference::Dereferenced,
    kind::{Component, Kind, claim},
    labels,
};

/// Components that keep the stock.
const WRITERS: [Component; 2] = [Component::Vacancy, Component::Monolith];

/// The kind of storage, as `status.storage` spells it.
pub(super) fn storage(system: &TicketSystem, found: &Dereferenced) -> Option<String> {
    let name = system.name_any();
    let kind = |embedded| if embedded { "embedded" } else { "postgres" }.to_owned();
    let in_template = of_writer(found, Kind::Deployment, &name).map(|deployment| {
        let volumes = deployment.data.pointer("/spec/template/spec/volumes");
        let claim = claim(&name);
        kind(volumes.and_then(Value::as_array).into_iter().flatten().any(|volume| {
            volume.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str)
                == Some(&claim)
        }))
    });
    let in_settings = settings_of_writer(found, &name)
        .map(|settings| kind(settings.data.pointer("/data/DATA_DIR").is_some()));
    let reported = system.status.as_ref().and_then(|status| status.storage.clone());
    majority([in_template, in_settings, reported])
}

/// The stock that the event was created with.
pub(super) fn initial_stock(system: &TicketSystem, found: &Dereferenced) -> Option<i64> {
    let name = system.name_any();
    let on_volume = found
        .metadata(Kind::PersistentVolumeClaim, &claim(&name))
        .and_then(|claim| claim.annotations.as_ref()?.get(INITIAL_STOCK)?.parse().ok());
    let reported = system.status.as_ref().and_then(|status| status.initial_stock);
    let in_settings = settings_of_writer(found, &name)
        .and_then(|settings| settings.data.pointer("/data/INITIAL_STOCK")?.as_str()?.parse().ok());
    majority([on_volume, reported, in_settings])
}

/// The value of two records, else of the first one there is.
fn majority<T: PartialEq>(records: [Option<T>; 3]) -> Option<T> {
    let [first, second, third] = records;
    if second.is_some() && second == third {
        return second;
    }
    first.or(second).or(third)
}

fn of_writer<'a>(found: &'a Dereferenced, kind: Kind, name: &str) -> Option<&'a DynamicObject> {
    WRITERS
        .iter()
        .find_map(|component| found.live.get(kind, &component.object_name(name)))
        .map(AsRef::as_ref)
}

/// The latest settings of a writer, by their label: their names contain a hash.
fn settings_of_writer<'a>(found: &'a Dereferenced, name: &str) -> Option<&'a DynamicObject> {
    let settings_of = |component: Component| {
        let of_component = |object: &&DynamicObject| {
            object.labels().get(labels::COMPONENT).map(String::as_str) == Some(component.as_str())
                && labels::instance(&object.metadata) == Some(name)
        };
        let settings = found.live.iter().filter(|(kind, ..)| *kind == Kind::ConfigMap);
        settings
            .map(|(_, _, object)| object.as_ref())
            .filter(of_component)
            .max_by_key(|object| object.creation_timestamp())
    };
    WRITERS.iter().find_map(|component| settings_of(*component))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_records_outvote_one() {
        assert_eq!(majority([Some(1), Some(2), Some(2)]), Some(2));
        assert_eq!(majority([Some(2), Some(1), Some(2)]), Some(2));
        assert_eq!(majority([Some(2), Some(2), Some(1)]), Some(2));
        assert_eq!(majority([Some(1), Some(2), Some(3)]), Some(1));
        assert_eq!(majority([None, Some(2), Some(3)]), Some(2));
        assert_eq!(majority([None, None, Some(3)]), Some(3));
        assert_eq!(majority::<i64>([None, None, None]), None);
    }
}
