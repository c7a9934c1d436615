//! TLS, with the cryptography that the program has chosen, or else the one of the Cargo feature.
//!
//! rustls has no cryptography of its own, and panics where it is to find out which one a program means and cannot. So it
//! is named here each time, and nothing is made the default of the process: that is the program's to decide.

use std::{io, sync::Arc};

use rustls_native_certs::load_native_certs;
use tokio::{net::TcpStream, task::spawn_blocking};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider, pki_types::ServerName},
};

/// `None`: neither the process nor a Cargo feature of ours has chosen one.
pub(crate) fn provider() -> Option<Arc<CryptoProvider>> {
    CryptoProvider::get_default().cloned().or_else(of_feature)
}

#[cfg(feature = "redis-tls-aws-lc")]
#[expect(clippy::unnecessary_wraps, reason = "without such a feature there is none")]
fn of_feature() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider()))
}

#[cfg(all(feature = "redis-tls-ring", not(feature = "redis-tls-aws-lc")))]
#[expect(clippy::unnecessary_wraps, reason = "without such a feature there is none")]
fn of_feature() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
}

#[cfg(not(any(feature = "redis-tls-ring", feature = "redis-tls-aws-lc")))]
fn of_feature() -> Option<Arc<CryptoProvider>> {
    None
}

/// Shakes hands with the server, whose certificate has to be signed by an authority that the machine trusts.
pub(super) async fn connect(stream: TcpStream, host: &str) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    // A file of some hundred certificates.
    let config = spawn_blocking(config).await.map_err(io::Error::other)??;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

fn config() -> io::Result<ClientConfig> {
    let provider = provider().ok_or_else(|| io::Error::other(super::NO_TLS_PROVIDER))?;
    let mut authorities = RootCertStore::empty();
    let found = load_native_certs();
    // One that cannot be used is no reason to do without the others.
    let (usable, _) = authorities.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why = found.errors.first().map(ToString::to_string).unwrap_or_default();
        return Err(io::Error::other(format!(
            "the machine has no certificate authorities that could be read: {why}"
        )));
    }
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    Ok(config.with_root_certificates(authorities).with_no_client_auth())
}
