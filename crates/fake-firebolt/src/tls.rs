//! TLS for the stand-alone server, with a certificate authority that lives as long as it does.
//!
//! Some clients refuse plain http (firebolt-wire §9). The keys are made at the start, from the
//! system's randomness rather than from the seed, and are never written down; what a client has to
//! trust is the one certificate in [`Tls::ca_pem`]. Not part of the simulation.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

/// A client that has not finished its handshake by then is no client.
const HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(10);

/// The server's side of TLS.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
    ca_pem: Arc<str>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// Makes an authority and a certificate of it for these host names and addresses.
    ///
    /// # Errors
    /// A text that says which step failed: most often a name that cannot be in a certificate.
    pub fn throw_away(names: &[String]) -> Result<Self, String> {
        let failed = |what: &str, error: &dyn std::fmt::Display| format!("TLS: {what}: {error}");
        let ca_key = KeyPair::generate().map_err(|error| failed("a key", &error))?;
        let mut ca = CertificateParams::new(Vec::new()).map_err(|error| failed("a CA", &error))?;
        ca.distinguished_name.push(DnType::CommonName, "fake-firebolt throw-away CA");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_cert = ca.self_signed(&ca_key).map_err(|error| failed("a CA", &error))?;
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().map_err(|error| failed("a key", &error))?;
        let mut leaf = CertificateParams::new(names.to_vec())
            .map_err(|error| failed(&format!("the names {}", names.join(", ")), &error))?;
        leaf.distinguished_name.push(DnType::CommonName, "fake-firebolt");
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Python 3.13 refuses a certificate that does not say which key signed it.
        leaf.use_authority_key_identifier_extension = true;
        let leaf =
            leaf.signed_by(&key, &issuer).map_err(|error| failed("a certificate", &error))?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|error| failed("a key", &error))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed("the protocol versions", &error))?
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone(), ca_cert.der().clone()], key)
            .map_err(|error| failed("the certificate", &error))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { acceptor, ca_pem: Arc::from(ca_cert.pem()) })
    }

    /// The authority's certificate, in PEM: what a client has to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Shakes hands with a client.
    ///
    /// # Errors
    /// The client's failure to do so, in time or at all.
    pub async fn accept<Io>(&self, stream: Io) -> io::Result<TlsStream<Io>>
    where
        Io: AsyncRead + AsyncWrite + Unpin,
    {
        tokio::time::timeout(HANDSHAKE_TIME_MAX, self.acceptor.accept(stream))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;
    use tokio_rustls::rustls::pki_types::pem::PemObject;
    use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
    use tokio_rustls::rustls::{ClientConfig, RootCertStore};

    use super::*;

    async fn meet(tls: &Tls, trusted_pem: &str, name: &str) -> Result<String, String> {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(trusted_pem.as_bytes()).expect("PEM");
        roots.add(ca).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let (near, far) = tokio::io::duplex(64 * 1024);
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let server = async {
            let mut stream = tls.accept(far).await?;
            stream.write_all(b"hello").await?;
            stream.shutdown().await
        };
        let client = async {
            let connector = TlsConnector::from(Arc::new(config));
            let mut stream =
                connector.connect(name, near).await.map_err(|error| error.to_string())?;
            let mut heard = String::new();
            stream.read_to_string(&mut heard).await.map_err(|error| error.to_string())?;
            Ok(heard)
        };
        let (_, heard) = tokio::join!(server, client);
        heard
    }

    #[tokio::test(start_paused = true)]
    async fn who_trusts_the_authority_is_served_under_the_names_it_has() {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "api.fb.test".to_owned()];
        let tls = Tls::throw_away(&names).expect("a certificate");
        for name in &names {
            assert_eq!(meet(&tls, tls.ca_pem(), name).await.as_deref(), Ok("hello"), "{name}");
        }
        let other = meet(&tls, tls.ca_pem(), "elsewhere.test").await.expect_err("a stranger");
        assert!(other.contains("elsewhere.test"), "{other}");
        let unknown = Tls::throw_away(&names).expect("a certificate");
        assert!(meet(&tls, unknown.ca_pem(), "localhost").await.is_err(), "another authority's");
    }
}
