//! What the services read from their environment: settings through the ConfigMap, secrets by
//! reference.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, SecretKeySelector};

use super::pod;
use crate::{
    dereference::TOKEN_KEY,
    kind::{Component, admin_token},
    validate::{Storage, System, Workload},
};

/// Seconds a pod goes on serving after SIGTERM; endpoints have already been withdrawn during the
/// preStop pause.
const SHUTDOWN_DRAIN_S: &str = "1";
/// Seconds a connection may take to finish after that.
pub const SHUTDOWN_TIMEOUT_S: i64 = 15;

/// What ticket takes for a request by itself. It must be more than it waits for vacancy.
const REQUEST_TIMEOUT_MS: i32 = 10_000;

/// Every setting of one component.
pub fn settings(system: &System, workload: &Workload) -> BTreeMap<String, String> {
    let spec = &system.spec;
    let ticket = &spec.ticket;
    let mut settings = BTreeMap::new();
    let mut set = |name: &str, value: String| settings.insert(name.to_owned(), value);
    set("DEPLOYMENT_MODE", spec.mode.as_str().to_owned());
    set("SERVICE_NAME", workload.name.clone());
    set("ENVIRONMENT", system.namespace.clone());
    set("HOST", "0.0.0.0".to_owned());
    set(port_variable(workload.component), workload.component.port().to_string());
    set("LOG_LEVEL", spec.logging.level.as_str().to_owned());
    set("JSON_LOGS", spec.logging.json.to_string());
    set("SHUTDOWN_DRAIN_S", SHUTDOWN_DRAIN_S.to_owned());
    set("SHUTDOWN_TIMEOUT_S", SHUTDOWN_TIMEOUT_S.to_string());
    set("CACHE_TTL_SECONDS", ticket.cache_ttl_seconds.to_string());
    if let Some(endpoint) = &spec.otlp_endpoint {
        set("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.clone());
    }
    if workload.component != Component::Ticket {
        set("INITIAL_STOCK", system.stock.in_force.to_string());
    }
    if workload.holds_volume {
        set("DATA_DIR", pod::DATA_DIR.to_owned());
    }
    if system.database_ca(workload).is_some() {
        // Where a URL without `sslrootcert` looks for roots.
        set("SSL_CERT_FILE", pod::DATABASE_CA_FILE.to_owned());
    }
    if workload.component != Component::Vacancy {
        set("VACANCY_TIMEOUT", seconds(ticket.vacancy_timeout_ms));
        set("HTTP_MAX_CONNECTIONS", ticket.connection_pool.max_connections.to_string());
        set("HTTP_KEEPALIVE_CONNECTIONS", ticket.connection_pool.keepalive_connections.to_string());
    }
    // To vacancy, all buyers of a ticket pod are one client: their quota is taken where they
    // arrive.
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
        if ticket.vacancy_timeout_ms >= REQUEST_TIMEOUT_MS {
            set("REQUEST_TIMEOUT_S", seconds(ticket.vacancy_timeout_ms + 1_000));
        }
        let vacancy = Component::Vacancy;
        set(
            "VACANCY_URL",
            format!("http://{}:{}", vacancy.object_name(&system.name), vacancy.port()),
        );
    }
    settings
}

/// Environment variables of the container: Secrets by reference, then what the spec adds or
/// overrides.
pub fn variables(system: &System, workload: &Workload) -> Vec<EnvVar> {
    let mut variables = Vec::new();
    if workload.component != Component::Ticket {
        variables.push(from_secret("ADMIN_TOKEN", &admin_token(&system.name), TOKEN_KEY));
    }
    if let (true, Storage::Postgres(postgres)) = (workload.uses_database, &system.storage) {
        variables.push(from_secret(
            "STORE_URL",
            &postgres.secret_ref.name,
            &postgres.secret_ref.key,
        ));
    }
    for variable in &workload.spec.env {
        // Names are the key of this list in server-side apply: a second entry would be refused.
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

/// Milliseconds as the decimal seconds the services read.
fn seconds(milliseconds: i32) -> String {
    let (whole, rest) = (milliseconds / 1000, milliseconds % 1000);
    format!("{whole}.{rest:03}")
}
