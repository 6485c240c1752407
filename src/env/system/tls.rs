//! TLS: the files that settings name, read anew for each connection, so that a renewed certificate is taken up.

use super::configuration::read_up_to;
use crate::redis::RedisUrl;
use crate::tls::Tls;
use redis::{Client, ClientTlsConfig, TlsCertificates};
use std::path::Path;

/// Largest file of certificates that is read.
const MAX_FILE: u64 = 4 << 20;

/// What redis-rs connects with.
pub(super) fn client(url: &RedisUrl) -> Result<Client, String> {
    let opened = match url.tls() {
        None => Client::open(url.info().clone()),
        Some(tls) => {
            // Whoever embeds simq may have chosen another provider before.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let certificates = certificates(tls)?;
            let client = Client::build_with_tls(url.info().clone(), certificates);
            client.and_then(|client| {
                let info = client.get_connection_info().clone();
                let mut addr = info.addr().clone();
                addr.set_danger_accept_invalid_hostnames(tls.any_name);
                Client::open(info.set_addr(addr))
            })
        }
    };
    opened.map_err(|error| match url.tls() {
        Some(Tls { certificate: Some(path), .. }) => format!("{path}: {error}"),
        _ => error.to_string(),
    })
}

fn certificates(tls: &Tls) -> Result<TlsCertificates, String> {
    let root_cert = tls.authorities.as_deref().map(|path| read(path, "ssl_ca_certs", "CERTIFICATE")).transpose()?;
    let client_tls = match &tls.certificate {
        None => None,
        Some(path) => Some(ClientTlsConfig {
            client_cert: read(path, "ssl_certfile", "CERTIFICATE")?,
            client_key: read(tls.key.as_deref().unwrap_or(path), "ssl_keyfile", "PRIVATE KEY")?,
        }),
    };
    Ok(TlsCertificates { client_tls, root_cert })
}

/// A PEM file, in which there must be one of what is wanted: an empty one would be taken for a trust in nobody.
pub(super) fn read(path: &str, option: &str, wanted: &str) -> Result<Vec<u8>, String> {
    let bytes =
        read_up_to(Path::new(path), MAX_FILE).map_err(|error| format!("{option}: can't read {path}: {error}"))?;
    let text = String::from_utf8_lossy(&bytes);
    let found = text.lines().any(|line| line.starts_with("-----BEGIN ") && line.contains(wanted));
    if found { Ok(bytes) } else { Err(format!("{option}: there is no {wanted} in {path}; expected a file in PEM")) }
}

/// What a user can do about an error of TLS.
pub(super) fn advice(reason: &str) -> Option<&'static str> {
    const ADVICE: [(&str, &str); 7] = [
        (
            "unknownissuer",
            "nobody that is trusted has signed its certificate; set ssl_ca_certs to that of its authority",
        ),
        ("badsignature", "its certificate is not signed by whom it names; set ssl_ca_certs to that of its authority"),
        ("notvalidforname", "its certificate is for another name; ssl_check_hostname=false accepts that"),
        ("certificaterequired", "the server wants a certificate; set ssl_certfile and ssl_keyfile"),
        ("unknownca", "the server does not trust whoever has signed the certificate in ssl_certfile"),
        ("invalidcontenttype", "TLS is not spoken on this port; is it redis:// or amqp://?"),
        ("keymismatch", "the key in ssl_keyfile is not that of the certificate in ssl_certfile"),
    ];
    let reason = reason.to_ascii_lowercase().replace([' ', '_'], "");
    ADVICE.iter().find(|(sign, _)| reason.contains(sign)).map(|(_, advice)| *advice)
}
