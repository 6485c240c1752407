//! Addresses of servers, whose passwords are not shown.

use super::{Expected, SettingValue, expected};
use std::fmt;
use std::ops::Deref;

/// What is shown in place of a secret, as in Celery's reports.
pub(crate) const MASK: &str = "********";

/// An address: `redis://:password@host:6379/0`. Displayed without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// The whole address, password and all.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn parse(text: &str) -> Option<Url> {
        let fine = !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        fine.then(|| Url(text.to_owned()))
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.0))
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", masked(&self.0))
    }
}

impl SettingValue for Url {
    const EXPECTED: &'static str = "a URL";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        value.as_str().and_then(Url::parse).ok_or_else(expected::<Self>)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        Some(self.0.clone().into())
    }
}

/// One address, or several to fall back on: a list, or one text with `;` between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Urls(Vec<Url>);

impl Deref for Urls {
    type Target = [Url];

    fn deref(&self) -> &[Url] {
        &self.0
    }
}

/// Most addresses of one setting.
const LIMIT: usize = 100;

impl SettingValue for Urls {
    const EXPECTED: &'static str = "a URL, or several, in a list or with ';' between them";

    fn from_toml(value: &toml::Value) -> Result<Self, Expected> {
        let urls: Option<Vec<Url>> = match value {
            toml::Value::String(text) => text.split(';').map(Url::parse).collect(),
            toml::Value::Array(urls) => urls.iter().map(|url| url.as_str().and_then(Url::parse)).collect(),
            _ => None,
        };
        urls.filter(|urls| (1..=LIMIT).contains(&urls.len())).map(Urls).ok_or_else(expected::<Self>)
    }

    fn to_toml(&self) -> Option<toml::Value> {
        match &self.0[..] {
            [one] => one.to_toml(),
            several => Some(several.iter().map(|url| url.0.clone()).collect::<Vec<_>>().into()),
        }
    }
}

/// A text with the passwords of the URLs in it masked: what is between `://user:` and the last `@` before the path, and
/// the values of query parameters that look like secrets.
pub(crate) fn masked(text: &str) -> String {
    text.split(';').map(masked_one).collect::<Vec<_>>().join(";")
}

fn masked_one(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    // A password may hold any of `/?#` unescaped, so the last '@' decides, even behind one of them.
    let shown = match rest.rsplit_once('@') {
        None => rest.to_owned(),
        Some((user, host)) => match user.split_once(':') {
            None => format!("{user}@{host}"),
            Some((user, _)) => format!("{user}:{MASK}@{host}"),
        },
    };
    match shown.split_once('?') {
        None => format!("{scheme}://{shown}"),
        Some((path, query)) => {
            let query: Vec<String> = query.split('&').map(masked_parameter).collect();
            format!("{scheme}://{path}?{}", query.join("&"))
        }
    }
}

fn masked_parameter(parameter: &str) -> String {
    match parameter.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={MASK}"),
        _ => parameter.to_owned(),
    }
}

/// Whether the value under such a name is a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "credential"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown_however_odd_it_is() {
        for (url, shown) in [
            ("redis://h:6379/0", "redis://h:6379/0"),
            ("redis://:pw@h/0", "redis://:********@h/0"),
            ("amqp://guest:guest@h:5672//", "amqp://guest:********@h:5672//"),
            ("amqp://u:p/@w@h:5672//", "amqp://u:********@h:5672//"),
            ("amqp://u:p?x@h//", "amqp://u:********@h//"),
            ("redis://h/0?password=x&db=1", "redis://h/0?password=********&db=1"),
            ("amqp://a:b@h//;amqp://c:d@i//", "amqp://a:********@h//;amqp://c:********@i//"),
            ("memory", "memory"),
        ] {
            assert_eq!(masked(url), shown);
            assert_eq!(format!("{:?}", Url(url.to_owned())), format!("{shown:?}"));
        }
    }
}
