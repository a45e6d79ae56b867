//! TLS to the database by rustls, in the modes of libpq.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName, UnixTime,
        pem::{self, PemObject},
    },
};
use thiserror::Error;
use tokio_postgres_rustls::MakeRustlsConnect;

/// Why TLS cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TlsError {
    /// A file cannot be read as certificates or a key.
    #[error("{}: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// No root certificates to verify the server.
    #[error("this machine has no root certificates: name a file in sslrootcert")]
    NoRoots,
    /// A certificate without its key, or the other way round.
    #[error("sslcert and sslkey must be set together")]
    HalfClient,
    /// The library does not accept it.
    #[error("{0}")]
    Rejected(String),
}

/// sslmode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TlsMode {
    Disable,
    /// TLS if the server offers it. Does not protect against an active attacker.
    #[default]
    Prefer,
    /// Always TLS, without verifying the server. With a root certificate it is `verify-ca`.
    Require,
    VerifyCa,
    VerifyFull,
}

impl FromStr for TlsMode {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "disable" => Ok(Self::Disable),
            "prefer" => Ok(Self::Prefer),
            "require" => Ok(Self::Require),
            "verify-ca" => Ok(Self::VerifyCa),
            "verify-full" => Ok(Self::VerifyFull),
            _ => Err(()),
        }
    }
}

/// The TLS options of a URL.
#[derive(Debug, Default)]
pub struct TlsOptions {
    pub mode: TlsMode,
    pub root_cert: Option<PathBuf>,
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// Makes the TLS side of connections.
#[derive(Clone)]
pub struct TlsMaker(pub MakeRustlsConnect);

impl TlsMaker {
    pub fn new(options: &TlsOptions) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let rejected = |error: &dyn std::error::Error| TlsError::Rejected(error.to_string());
        let checks_name = options.mode == TlsMode::VerifyFull;
        let checks_chain = checks_name
            || options.mode == TlsMode::VerifyCa
            || (options.mode == TlsMode::Require && options.root_cert.is_some());
        let inner = if checks_chain {
            let roots = Arc::new(roots(options.root_cert.as_deref())?);
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
            Some(verifier.map_err(|error| rejected(&error))?)
        } else {
            None
        };
        let verifier = Arc::new(Verifier { inner, checks_name, provider: provider.clone() });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| rejected(&error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match (&options.cert, &options.key) {
            (Some(cert), Some(key)) => {
                let key_der =
                    PrivateKeyDer::from_pem_file(key).map_err(|error| pem_error(key, &error))?;
                builder
                    .with_client_auth_cert(certificates(cert)?, key_der)
                    .map_err(|error| rejected(&error))?
            }
            (None, None) => builder.with_no_client_auth(),
            _ => return Err(TlsError::HalfClient),
        };
        Ok(Self(MakeRustlsConnect::new(config)))
    }
}

/// An own text: the library's shows the unreadable line, which may be a key.
fn pem_error(path: &Path, error: &pem::Error) -> TlsError {
    let reason = match error {
        pem::Error::Io(error) => error.to_string(),
        pem::Error::MissingSectionEnd { .. } => {
            "a section of it has no END line; BEGIN and END stand on lines of their own".to_owned()
        }
        pem::Error::IllegalSectionStart { .. } => "a BEGIN line of it is malformed".to_owned(),
        pem::Error::Base64Decode(_) => "a section of it is no base64".to_owned(),
        pem::Error::NoItemsFound => "no matching PEM section".to_owned(),
        _ => "not PEM".to_owned(),
    };
    TlsError::File { path: path.to_owned(), reason }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| pem_error(path, &error))?;
    if certificates.is_empty() {
        return Err(TlsError::File {
            path: path.to_owned(),
            reason: "no certificate in it".into(),
        });
    }
    Ok(certificates)
}

/// The roots in `file`, or those of the machine for none or `system`.
fn roots(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    match file.filter(|file| *file != Path::new("system")) {
        Some(file) => {
            for certificate in certificates(file)? {
                store.add(certificate).map_err(|error| TlsError::File {
                    path: file.to_owned(),
                    reason: error.to_string(),
                })?;
            }
        }
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() { Err(TlsError::NoRoots) } else { Ok(store) }
}

/// Verifies the server as the mode requires. In every mode the server proves that it has the key of
/// its certificate.
#[derive(Debug)]
struct Verifier {
    inner: Option<Arc<WebPkiServerVerifier>>,
    checks_name: bool,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(inner) = &self.inner else { return Ok(ServerCertVerified::assertion()) };
        match inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.checks_name => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
