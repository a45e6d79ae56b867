//! The connection URL: parameters of the driver, and those that only this crate reads.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use thiserror::Error;
use tokio_postgres::{
    Config,
    config::{Host, SslMode, TargetSessionAttrs},
};

use crate::tls::{TlsError, TlsMaker, TlsMode, TlsOptions};

/// Why a URL cannot be used. The texts never contain any of it but names of parameters and files.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UrlError {
    /// It is not a URL.
    #[error(
        "it must be a URL as in postgres://user:password@host:5432/database, with all special characters percent-encoded"
    )]
    Malformed,
    /// It names no host.
    #[error("it must name at least one host")]
    NoHost,
    /// A host has no valid name, or its port is 0. It may be part of a password, so the text does
    /// not contain it.
    #[error("a host is not a name or address with a port of 1 to 65535")]
    Host,
    /// A parameter has a value that is not one of those known.
    #[error("parameter {0} has an unknown value")]
    Parameter(&'static str),
    /// A parameter has a name that is not one of those known. It may be part of a password, so the
    /// text does not contain it.
    #[error("unknown parameter; known parameters: {}", PARAMETERS.join(", "))]
    UnknownParameter,
    /// Certificates cannot be used.
    #[error("{0}")]
    Tls(#[from] TlsError),
}

/// The parameters of a URL: the driver's, and those of TLS that are read here.
const PARAMETERS: [&str; 22] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// A database: one or more hosts, the login and the TLS options. Its `Debug` form is empty of all
/// of them.
#[derive(Clone)]
pub struct Target {
    pub hosts: Vec<Config>,
    pub tls: TlsMaker,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({} hosts, hidden)", self.hosts.len())
    }
}

impl FromStr for Target {
    type Err = UrlError;

    fn from_str(url: &str) -> Result<Self, UrlError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(UrlError::Malformed);
        }
        // As the driver reads it, a login ends at the first '@' and may hold question marks.
        let host_at = url.find('@').map_or(0, |at| at + 1);
        let (base, query) = url[host_at..]
            .find('?')
            .map_or((url, ""), |at| (&url[..host_at + at], &url[host_at + at + 1..]));
        let mut tls = TlsOptions::default();
        let mut rest = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(UrlError::Malformed)?;
            let file = || decoded(value).map(PathBuf::from).ok_or_else(|| unusable(name));
            match name {
                "sslmode" => tls.mode = value.parse().map_err(|()| unusable(name))?,
                "sslrootcert" => tls.root_cert = Some(file()?),
                "sslcert" => tls.cert = Some(file()?),
                "sslkey" => tls.key = Some(file()?),
                _ => rest.push(pair),
            }
        }
        let plain =
            if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        // The driver's error may repeat parts of the URL.
        let config: Config = plain.parse().map_err(|_| rest_error(base, &rest))?;
        if !config.get_hosts().iter().all(is_host) || config.get_ports().contains(&0) {
            return Err(UrlError::Host);
        }
        let hosts = single_hosts(&config, tls.mode, query.contains("target_session_attrs="));
        if hosts.is_empty() {
            return Err(UrlError::NoHost);
        }
        Ok(Self { hosts, tls: TlsMaker::new(&tls)? })
    }
}

/// Whether a host can be one: a name, an address or the path of a socket.
fn is_host(host: &Host) -> bool {
    let Host::Tcp(name) = host else { return true };
    let is_name = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            && !name.starts_with(['-', '.'])
            && !name.contains("..")
    };
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    !name.is_empty() && (is_name(name) || address.parse::<std::net::Ipv6Addr>().is_ok())
}

/// The error for a parameter with an unusable value.
fn unusable(name: &str) -> UrlError {
    PARAMETERS
        .iter()
        .find(|known| **known == name)
        .map_or(UrlError::UnknownParameter, |known| UrlError::Parameter(known))
}

/// Finds the parameter that the driver does not know.
fn rest_error(base: &str, rest: &[&str]) -> UrlError {
    let wrong = rest.iter().find(|pair| format!("{base}?{pair}").parse::<Config>().is_err());
    match wrong.and_then(|pair| pair.split_once('=')) {
        Some((name, _)) if base.parse::<Config>().is_ok() => unusable(name),
        _ => UrlError::Malformed,
    }
}

fn decoded(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

/// One configuration per host: the driver would wait for a host that accepts and never responds,
/// and not try the next.
fn single_hosts(all: &Config, mode: TlsMode, attrs_given: bool) -> Vec<Config> {
    let hosts = all.get_hosts().iter().enumerate();
    let single = hosts.map(|(at, host)| {
        let mut one = Config::new();
        match host {
            Host::Tcp(name) => one.host(name),
            Host::Unix(path) => one.host_path(path),
        };
        let ports = all.get_ports();
        one.port(ports.get(at).or(ports.first()).copied().unwrap_or(5432));
        if let Some(address) = all.get_hostaddrs().get(at) {
            one.hostaddr(*address);
        }
        if let Some(user) = all.get_user() {
            one.user(user);
        }
        if let Some(password) = all.get_password() {
            one.password(password);
        }
        if let Some(dbname) = all.get_dbname() {
            one.dbname(dbname);
        }
        if let Some(options) = all.get_options() {
            one.options(options);
        }
        one.application_name(all.get_application_name().unwrap_or("ticket-system"));
        one.channel_binding(all.get_channel_binding()).ssl_negotiation(all.get_ssl_negotiation());
        one.ssl_mode(match mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        });
        // A standby, or a primary that was demoted, is passed over.
        let attrs = if attrs_given {
            all.get_target_session_attrs()
        } else {
            TargetSessionAttrs::ReadWrite
        };
        one.target_session_attrs(attrs);
        one.keepalives_idle(if all.get_keepalives_idle() == DRIVERS_IDLE {
            KEEPALIVE_IDLE
        } else {
            all.get_keepalives_idle()
        });
        one.keepalives_interval(all.get_keepalives_interval().unwrap_or(KEEPALIVE_INTERVAL));
        one.keepalives_retries(all.get_keepalives_retries().unwrap_or(3));
        one.keepalives(all.get_keepalives());
        one.tcp_user_timeout(all.get_tcp_user_timeout().copied().unwrap_or(TCP_USER_TIMEOUT));
        one
    });
    single.collect()
}

/// The driver's default of two hours. It does not show whether the URL set that value.
const DRIVERS_IDLE: Duration = Duration::from_secs(2 * 60 * 60);
const KEEPALIVE_IDLE: Duration = Duration::from_secs(5);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(2);
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Target, UrlError> {
        url.parse()
    }

    #[test]
    fn hosts_are_tried_in_order_and_must_be_writable() {
        let target = parse("postgres://u:p%40ss@a:5432,b:5433/db?application_name=x").unwrap();
        let ports: Vec<_> =
            target.hosts.iter().map(|host| (host.get_hosts().len(), host.get_ports()[0])).collect();
        assert_eq!(ports, [(1, 5432), (1, 5433)]);
        assert!(
            target
                .hosts
                .iter()
                .all(|host| host.get_target_session_attrs() == TargetSessionAttrs::ReadWrite)
        );
        assert_eq!(target.hosts[1].get_password(), Some(b"p@ss".as_slice()));
        assert_eq!(target.hosts[1].get_application_name(), Some("x"));
    }

    #[test]
    fn password_may_contain_parameter_syntax() {
        let target =
            parse("postgres://user:a?sslmode=b&c=d@host/db?sslmode=require&application_name=x")
                .unwrap();
        assert_eq!(target.hosts[0].get_password(), Some(b"a?sslmode=b&c=d".as_slice()));
        assert_eq!(target.hosts[0].get_application_name(), Some("x"));
    }

    #[test]
    fn url_is_never_shown() {
        let target = parse("postgres://user:secret@host/db").unwrap();
        assert_eq!(format!("{target:?}"), "Target(1 hosts, hidden)");
        for wrong in [
            "mysql://user:secret@host/db",
            "postgres://user:secret@host:port/db",
            "postgres://user:secret@host/db?sslmode=secret",
            "postgres://user:secret@host/db?secret=1",
            "postgres://user:secret@host/db?sslrootcert=/none&sslmode=verify-full",
            "postgres://user:a?secret=b@host/db?secret=1",
            "postgres://user:123?secret=x",
            "postgres://db/shop?user=u&password=abc&secret=1",
            "postgres://",
            "postgres://user:secret@ho st/db",
            "postgres://user:secret@secret@host/db",
            "postgres://user:secret@host:0/db",
            "postgres://user:secret@host;5432/db",
            "postgres://user:secret@-host/db",
            "postgres://user:secret@host,/db",
        ] {
            let error = parse(wrong).unwrap_err().to_string();
            assert!(!error.contains("host/") && !error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn tls_modes_match_libpq() {
        for mode in ["disable", "prefer", "require"] {
            parse(&format!("postgres://u@h/db?sslmode={mode}")).unwrap();
        }
        assert_eq!(
            parse("postgres://u@h/db?sslmode=allow").unwrap_err(),
            UrlError::Parameter("sslmode")
        );
        assert_eq!(
            parse("postgres://u@h/db?connect_timeout=soon").unwrap_err(),
            UrlError::Parameter("connect_timeout")
        );
        assert_eq!(parse("postgres://u@h/db?nonsense=1").unwrap_err(), UrlError::UnknownParameter);
    }
}
