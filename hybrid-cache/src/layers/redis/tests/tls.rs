//! `rediss://`.

use std::{path::PathBuf, process::Command};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::*;

/// A certificate authority made for one test, and a server's certificate signed by it.
struct Authority {
    dir: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new([]).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_certificate = ca.self_signed(&ca_key).unwrap();
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        let certificate = server.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        for (name, pem) in [
            ("ca.pem", ca_certificate.pem()),
            ("server.pem", certificate.pem()),
            ("key.pem", key.serialize_pem()),
        ] {
            std::fs::write(dir.path().join(name), pem).unwrap();
        }
        Self { dir }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn server(&self) -> RedisServer {
        RedisServer::builder().tls(&self.file("server.pem"), &self.file("key.pem")).start()
    }
}

/// A layer for which a handshake may take its time: here it is compiled without optimisation, on a machine that may be busy.
fn patient_layer(url: &str) -> RedisLayer {
    RedisLayer::new(&RedisSettings { timeout: Duration::from_secs(20), ..settings(url) }, "hc").unwrap()
}

#[tokio::test]
async fn a_server_whose_authority_the_machine_does_not_know_is_refused() {
    let server = Authority::new().server();
    assert!(server.url().starts_with("rediss://"));
    let layer = patient_layer(&server.url());

    let error = layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap_err();

    let LayerError::Redis { source, .. } = &error else { panic!("{error:?}") };
    assert!(source.to_string().contains("certificate"), "{source}");
    assert_eq!(server.ask::<i64>(&["DBSIZE"]), 0);
}

#[tokio::test]
async fn a_server_whose_authority_the_machine_knows_is_used() {
    const SERVER: &str = "HYBRID_CACHE_TEST_TLS_SERVER";
    if let Ok(url) = std::env::var(SERVER) {
        // The second process, see below.
        let layer = patient_layer(&url);
        layer.put(&key(1), b"one".to_vec(), LIFE).await.unwrap();
        assert_eq!(record(&layer, 1).await, Some(b"one".to_vec()));
        return;
    }
    let authority = Authority::new();
    let server = authority.server();

    // A process of its own, as which authorities are known is a matter of the environment.
    let second = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "layers::redis::tests::tls::a_server_whose_authority_the_machine_knows_is_used"])
        .env(SERVER, server.url())
        .env("SSL_CERT_FILE", authority.file("ca.pem"))
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&second.stdout);
    assert!(second.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(server.ask::<i64>(&["EXISTS", key(1).as_str()]), 1);
}

#[tokio::test]
async fn no_cryptography_is_made_the_default_of_the_process() {
    let server = Authority::new().server();
    layer(&server).get(&key(1)).await.unwrap_err();
    assert!(tokio_rustls::rustls::crypto::CryptoProvider::get_default().is_none());
}
