//! The environment of the services: settings from the ConfigMap, secrets by reference.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, SecretKeySelector};

use super::volumes;
use crate::{
    kind::{Component, endpoints},
    role::TOKEN_KEY,
    signing_keys::{self, KEYS_KEY},
    validate::{Storage, System, Workload},
};

/// Seconds a pod keeps serving after SIGTERM. Endpoints are withdrawn earlier, during the preStop
/// sleep.
const SHUTDOWN_DRAIN_S: &str = "1";
/// Seconds open connections may then take to finish.
pub const SHUTDOWN_TIMEOUT_S: i64 = 15;

/// Age at which a pod closes a connection. Clients that keep connections open reach new pods within
/// it.
const MAX_CONNECTION_AGE_S: &str = "60";

/// Ticket's default for REQUEST_TIMEOUT_S, in milliseconds. It must exceed the timeout for
/// vacancy.
const DEFAULT_REQUEST_TIMEOUT_MS: i32 = 10_000;

/// All settings of one component, by name of the environment variable.
pub fn settings(system: &System, workload: &Workload) -> BTreeMap<String, String> {
    let spec = &system.spec;
    let ticket = &spec.ticket;
    let mut settings = BTreeMap::new();
    let mut set = |name: &str, value: String| settings.insert(name.to_owned(), value);
    set("DEPLOYMENT_MODE", spec.mode.as_str().to_owned());
    set("SERVICE_NAME", workload.name.clone());
    set("ENVIRONMENT", system.namespace.clone());
    set("HOST", "::".to_owned());
    set(port_variable(workload.component), workload.component.port().to_string());
    set("LOG_LEVEL", spec.logging.level.as_str().to_owned());
    set("JSON_LOGS", spec.logging.json.to_string());
    set("SHUTDOWN_DRAIN_S", SHUTDOWN_DRAIN_S.to_owned());
    set("SHUTDOWN_TIMEOUT_S", SHUTDOWN_TIMEOUT_S.to_string());
    set("MAX_CONNECTION_AGE_S", MAX_CONNECTION_AGE_S.to_owned());
    set("CACHE_TTL_SECONDS", ticket.cache_ttl_seconds.to_string());
    if let Some(endpoint) = &spec.otlp_endpoint {
        set("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.clone());
    }
    if workload.component != Component::Ticket {
        set("INITIAL_STOCK", system.stock.effective.to_string());
        if let Some(beacon) = &spec.queue.beacon {
            set("QUEUE_BEACON_URLS", beacon.urls.join(","));
        }
    }
    for role in workload.component.roles() {
        let setting = role.setting();
        // A token of the spec takes the place of the one in the Secret.
        if workload.spec.env.iter().all(|variable| variable.name != setting) {
            set(&format!("{setting}_FILE"), format!("{}/{TOKEN_KEY}", role.folder()));
        }
    }
    set(signing_keys::SETTING, format!("{}/{KEYS_KEY}", signing_keys::FOLDER));
    if workload.holds_volume {
        set("DATA_DIR", volumes::DATA_DIR.to_owned());
    }
    if system.database_ca(workload).is_some() {
        // A URL without `sslrootcert` uses the roots in this file.
        set("SSL_CERT_FILE", volumes::DATABASE_CA_FILE.to_owned());
    }
    if workload.component != Component::Vacancy {
        set("VACANCY_TIMEOUT", seconds(ticket.vacancy_timeout_ms));
        set("HTTP_MAX_CONNECTIONS", ticket.connection_pool.max_connections.to_string());
        set("HTTP_KEEPALIVE_CONNECTIONS", ticket.connection_pool.keepalive_connections.to_string());
    }
    // Vacancy sees all buyers of a ticket pod as one client, so ticket enforces the limit.
    if let (Some(limit), true) = (&spec.rate_limit, workload.component != Component::Vacancy) {
        set("RATE_LIMIT_PER_SECOND", limit.per_second.to_string());
        if let Some(burst) = limit.burst {
            set("RATE_LIMIT_BURST", burst.to_string());
        }
        if !limit.trusted_proxies.is_empty() {
            set("TRUSTED_PROXIES", limit.trusted_proxies.join(","));
        }
    }
    if workload.component == Component::Ticket {
        if ticket.vacancy_timeout_ms >= DEFAULT_REQUEST_TIMEOUT_MS {
            set("REQUEST_TIMEOUT_S", seconds(ticket.vacancy_timeout_ms + 1_000));
        }
        set("VACANCY_URL", vacancy_url(system));
    }
    settings
}

/// The URL of vacancy. A name that resolves to all pods lets ticket spread its calls over them. The
/// single writer of a volume keeps its cluster IP, which leads to its successor without the delay
/// of DNS.
fn vacancy_url(system: &System) -> String {
    let vacancy = Component::Vacancy;
    let is_balanced = system.serving(vacancy).is_some_and(Workload::is_balanced_by_ticket);
    let host =
        if is_balanced { endpoints(&system.name) } else { vacancy.object_name(&system.name) };
    format!("http://{host}:{}", vacancy.port())
}

/// Environment variables of the container: Secrets by reference, then the variables of the spec,
/// which override them.
pub fn variables(system: &System, workload: &Workload) -> Vec<EnvVar> {
    let mut variables = Vec::new();
    if let (true, Storage::Postgres(postgres)) = (workload.uses_database, &system.storage) {
        variables.push(from_secret(
            "STORE_URL",
            &postgres.secret_ref.name,
            &postgres.secret_ref.key,
        ));
    }
    for variable in &workload.spec.env {
        // Server-side apply merges this list by name and rejects duplicates.
        variables.retain(|existing: &EnvVar| existing.name != variable.name);
        variables.push(variable.clone());
    }
    variables
}

fn from_secret(variable: &str, secret: &str, key: &str) -> EnvVar {
    let selector =
        SecretKeySelector { name: secret.to_owned(), key: key.to_owned(), optional: None };
    EnvVar {
        name: variable.to_owned(),
        value_from: Some(EnvVarSource { secret_key_ref: Some(selector), ..Default::default() }),
        ..Default::default()
    }
}

fn port_variable(component: Component) -> &'static str {
    match component {
        Component::Ticket => "TICKET_PORT",
        Component::Vacancy => "VACANCY_PORT",
        Component::Monolith => "MONOLITH_PORT",
    }
}

/// Milliseconds as decimal seconds, the unit of the services.
fn seconds(milliseconds: i32) -> String {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{seconds}.{rest:03}")
}
