//! TLS to RabbitMQ. lapin's own trusts the machine's authorities and knows no other options.

use super::super::tls::read;
use super::reason;
use crate::tls::Tls;
use lapin::tcp::{AMQPUriTcpExt, RustlsConnector};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// The files are read anew for each connection, so that a renewed certificate is taken up.
pub(super) async fn connect(
    mut uri: AMQPUri,
    properties: ConnectionProperties,
    tls: &Tls,
) -> Result<Connection, String> {
    let connector = RustlsConnector::from(config(tls)?);
    let runtime = lapin::runtime::default_runtime().map_err(|error| reason(&error))?;
    // What is wrapped in TLS is a connection in the clear.
    uri.scheme = AMQPScheme::AMQP;
    let open = async move |uri: AMQPUri, runtime| {
        let stream = uri.connect_async(&runtime).await?;
        Ok(stream.into_rustls(&connector, &uri.authority.host).await?)
    };
    Connection::connector(uri, runtime, open, properties).await.map_err(|error| reason(&error))
}

fn config(tls: &Tls) -> Result<ClientConfig, String> {
    // Whoever embeds simq may have chosen another provider before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = ClientConfig::builder();
    let provider = builder.crypto_provider().clone();
    let verifier: Arc<dyn ServerCertVerifier> = if tls.unchecked {
        Arc::new(Lax { checked: None, provider })
    } else {
        let roots = Arc::new(authorities(tls)?);
        let checked = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
        let checked = checked.map_err(|error| format!("ssl_ca_certs: {error}"))?;
        if tls.any_name { Arc::new(Lax { checked: Some(checked), provider }) } else { checked }
    };
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let Some(path) = &tls.certificate else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(path, "ssl_certfile")?;
    let key_path = tls.key.as_deref().unwrap_or(path);
    let key = PrivateKeyDer::from_pem_slice(&read(key_path, "ssl_keyfile", "PRIVATE KEY")?);
    let key = key.map_err(|error| format!("ssl_keyfile: {key_path}: {error}"))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| match super::super::tls::advice(&format!("{error:?}")) {
        Some(advice) => format!("{path}: {advice}"),
        None => format!("{path}: {error}"),
    })
}

/// Those of the file, and no others; the machine's where there is none.
fn authorities(tls: &Tls) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match &tls.authorities {
        Some(path) => {
            for certificate in certificates(path, "ssl_ca_certs")? {
                roots.add(certificate).map_err(|error| format!("ssl_ca_certs: {path}: {error}"))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err("this machine trusts no authority; set ssl_ca_certs".to_owned());
            }
        }
    }
    Ok(roots)
}

fn certificates(path: &str, option: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(path, option, "CERTIFICATE")?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    read.map_err(|error| format!("{option}: {path}: {error}"))
}

/// Checks less than it should, because it was told to.
#[derive(Debug)]
struct Lax {
    /// Believes in a certificate for another name; without it, in any.
    checked: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lax {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(checked) = &self.checked else { return Ok(ServerCertVerified::assertion()) };
        match checked.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
