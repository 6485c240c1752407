//! TLS on a connection, under the names that Celery, redis-py and py-amqp give its options.

use crate::settings::UseTls;
use toml::Value;

/// What a connection checks of its server, and what it shows of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tls {
    /// Whoever answers is believed: `ssl_cert_reqs` is `none`.
    pub(crate) unchecked: bool,
    /// The certificate may be for another name: `ssl_check_hostname` is false.
    pub(crate) any_name: bool,
    /// File of the authorities that are trusted; the machine's where there is none.
    pub(crate) authorities: Option<String>,
    /// File of the client's own certificate.
    pub(crate) certificate: Option<String>,
    /// File of its key; where there is none, the key is beside the certificate.
    pub(crate) key: Option<String>,
}

/// Names of the options.
const OPTIONS: [&str; 5] = ["ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_certfile", "ssl_keyfile"];

impl Tls {
    /// The options of a table, `broker_use_ssl` for example.
    pub(crate) fn of<'a>(options: impl IntoIterator<Item = (&'a String, &'a Value)>) -> Result<Tls, String> {
        let mut tls = Tls::default();
        options.into_iter().try_for_each(|(name, value)| tls.set(name, value))?;
        tls.checked()
    }

    /// What a setting of that name says.
    pub(crate) fn of_setting(setting: &UseTls, name: &str) -> Result<Option<Tls>, String> {
        let Some(table) = setting.options() else { return Ok(None) };
        Tls::of(&table).map(Some).map_err(|why| format!("{name}: {why}"))
    }

    /// Sets one option.
    pub(crate) fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let file = || {
            let path = value.as_str().filter(|path| !path.is_empty());
            path.map(|path| Some(path.to_owned())).ok_or_else(|| format!("{name} is not the path of a file"))
        };
        match name {
            "ssl_cert_reqs" => self.unchecked = is_unchecked(value)?,
            "ssl_check_hostname" => {
                let checks = value.as_bool().or_else(|| value.as_str()?.to_ascii_lowercase().parse().ok());
                self.any_name = !checks.ok_or_else(|| format!("{name} is neither true nor false"))?;
            }
            "ssl_ca_certs" => self.authorities = file()?,
            "ssl_certfile" => self.certificate = file()?,
            "ssl_keyfile" => self.key = file()?,
            _ => return Err(unknown(name)),
        }
        Ok(())
    }

    pub(crate) fn checked(self) -> Result<Tls, String> {
        match (&self.key, &self.certificate) {
            (Some(_), None) => Err("there is an ssl_keyfile and no ssl_certfile".to_owned()),
            _ => Ok(self),
        }
    }
}

fn unknown(name: &str) -> String {
    let nearest =
        crate::text::nearest(name, OPTIONS).map_or_else(String::new, |near| format!("; did you mean {near}?"));
    format!("{name} is no option of TLS that simq has{nearest} There are {}", OPTIONS.join(", "))
}

/// Python's `ssl.CERT_NONE`, `CERT_OPTIONAL` and `CERT_REQUIRED` by their names, redis-py's words for them, and their
/// numbers. For a client the last two are the same.
fn is_unchecked(value: &Value) -> Result<bool, String> {
    match (value.as_str(), value.as_integer()) {
        (Some("CERT_NONE" | "none"), _) | (_, Some(0)) => Ok(true),
        (Some("CERT_OPTIONAL" | "optional" | "CERT_REQUIRED" | "required"), _) | (_, Some(1 | 2)) => Ok(false),
        _ => Err(format!(
            "ssl_cert_reqs is {value}; expected required, optional or none (or CERT_REQUIRED, CERT_OPTIONAL, CERT_NONE)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Tls, String> {
        Tls::of(&text.parse::<toml::Table>().unwrap())
    }

    #[test]
    fn celerys_words_for_what_is_checked() {
        for (text, unchecked) in [
            ("", false),
            ("ssl_cert_reqs = 'CERT_REQUIRED'", false),
            ("ssl_cert_reqs = 'optional'", false),
            ("ssl_cert_reqs = 2", false),
            ("ssl_cert_reqs = 'none'", true),
            ("ssl_cert_reqs = 'CERT_NONE'", true),
        ] {
            assert_eq!(of(text).unwrap().unchecked, unchecked, "{text}");
        }
        assert!(of("ssl_cert_reqs = 'maybe'").unwrap_err().contains("expected required, optional or none"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(of("ssl_ca_cert = 'ca.pem'").unwrap_err().contains("did you mean ssl_ca_certs?"));
        assert!(of("ssl_keyfile = 'key.pem'").unwrap_err().contains("no ssl_certfile"));
        assert!(of("ssl_ca_certs = 3").unwrap_err().contains("not the path of a file"));
        assert!(of("ssl_check_hostname = 'false'").unwrap().any_name);
    }
}
