//! An authority of a test's own, and what it has signed.

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) struct Authority {
    directory: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let directory = TempDir::new().expect("a directory");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        // Not the name of what it signs, which would seem to be signed by itself.
        params.distinguished_name.push(DnType::CommonName, "authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        std::fs::write(directory.path().join("ca.crt"), certificate.pem()).expect("written");
        Authority { directory, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn certificate(&self) -> String {
        text(&self.directory.path().join("ca.crt"))
    }

    /// Files of a certificate for these names, and of its key.
    pub(crate) fn sign(&self, file: &str, names: &[&str]) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names.clone()).expect("parameters");
        params.distinguished_name.push(DnType::CommonName, &names[0]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let [crt, pem] = ["crt", "key"].map(|ending| self.path(file, ending));
        std::fs::write(&crt, certificate.pem()).expect("written");
        std::fs::write(&pem, key.serialize_pem()).expect("written");
        (text(&crt), text(&pem))
    }

    fn path(&self, file: &str, ending: &str) -> PathBuf {
        self.directory.path().join(format!("{file}.{ending}"))
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}
