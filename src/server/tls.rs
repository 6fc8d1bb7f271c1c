//! TLS for both doors, from two files in PEM.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tonic::transport::Identity;

/// The files of a certificate and its key.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The chain of certificates, the server's own first.
    pub certificate: PathBuf,
    /// The key of the first.
    pub key: PathBuf,
}

/// TLS cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file holds something else, or the two do not belong together.
    #[error("{} cannot be used for TLS: {why}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// What both doors need.
pub(super) struct Tls {
    pub(super) http: ServerConfig,
    pub(super) grpc: Identity,
}

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// Where they cannot be read, or are not what they should be.
    pub(super) fn read(&self) -> Result<Tls, TlsError> {
        let read =
            |path: &Path| fs::read(path).map_err(|source| TlsError::Io { path: path.to_owned(), source });
        let wrong = |path: &Path, why: String| TlsError::Wrong { path: path.to_owned(), why };
        let (certificate, key) = (read(&self.certificate)?, read(&self.key)?);
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificate).collect();
        let chain = chain.map_err(|error| wrong(&self.certificate, error.to_string()))?;
        if chain.is_empty() {
            return Err(wrong(&self.certificate, "it has no certificate in PEM".to_owned()));
        }
        let own = PrivateKeyDer::from_pem_slice(&key).map_err(|error| wrong(&self.key, error.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, own))
            .map_err(|error| wrong(&self.certificate, error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { http: config, grpc: Identity::from_pem(certificate, key) })
    }
}
