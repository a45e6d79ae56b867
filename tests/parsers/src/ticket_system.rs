//! A file of TicketSystems.

use operator::{
    build::build,
    commands::diff::parse,
    dereference::{Dereferenced, Live, SecretValue},
    new_secrets::NewSecrets,
    settings::Defaults,
    validate::validate,
};

/// A file of TicketSystems is parsed or refused. Each system is built or refused with a reason, and
/// the result is the same after a round trip through JSON.
///
/// # Panics
/// When that does not hold.
pub fn ticket_system(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(systems) = parse(text, "shop") else { return };
    let defaults = Defaults {
        ticket_image: "ticket:1".to_owned(),
        vacancy_image: "vacancy:1".to_owned(),
        preflight_timeout_s: 120,
        swap_timeout_s: 180,
    };
    let found = Dereferenced {
        live: Live::default(),
        store_url: Some(SecretValue::Found(b"postgres://user:password@host/database".to_vec())),
        database_ca: Some(SecretValue::Found(b"certificates".to_vec())),
        service_monitors: true,
    };
    let token = |role: operator::role::Role| format!("token-of-the-{}-for-tests", role.as_str());
    let new = NewSecrets::new(token, "keys-for-tests".to_owned());
    for mut system in systems {
        // As the API server keeps it.
        system.metadata.name.get_or_insert_with(|| "fair".to_owned());
        system
            .metadata
            .uid
            .get_or_insert_with(|| "2f1c6a5e-0000-4000-8000-000000000000".to_owned());
        let again = serde_json::from_value(serde_json::to_value(&system).expect("JSON"))
            .expect("its own JSON");
        let children = |system| match validate(system, &found, &defaults, &new) {
            Ok(valid) => Ok(build(&valid)
                .into_children()
                .expect("children are JSON")
                .into_iter()
                .map(|child| child.body)
                .collect::<Vec<_>>()),
            Err(refusal) => Err(refusal.to_string()),
        };
        let built = children(&system);
        assert!(built.as_ref().err().is_none_or(|reason| !reason.is_empty()));
        assert_eq!(built, children(&again));
    }
}
