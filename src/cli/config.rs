//! `simq config`

use super::settings::SettingsArgs;
use super::{OK, output};
use crate::app::App;
use crate::settings::{Loaded, Origin, Profile, Setting, Settings, Status};
use clap::Args;
use serde_json::json;
use toml::Value;
use wildmatch::WildMatch;

/// Origins stand in one column, unless a line is longer than this.
const COLUMN: usize = 72;

/// Arguments of `simq config`.
#[derive(Args)]
pub(super) struct Config {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Only these: names, families such as broker_transport_options, or patterns such as 'task_*'.
    names: Vec<String>,
    /// Only what differs from the profile.
    #[arg(long)]
    changed: bool,
    /// One object for each line, as JSON.
    #[arg(long)]
    json: bool,
    /// All that is known of one setting.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["names", "changed", "json"])]
    explain: Option<String>,
}

impl Config {
    pub(super) fn execute(&self, app: &App) -> u8 {
        output::status(self.text(app).map(|(text, warnings)| {
            warnings.iter().for_each(|warning| output::print_error(&format!("warning: {warning}")));
            output::print(&text);
            OK
        }))
    }

    /// What to print, and warnings.
    fn text(&self, app: &App) -> Result<(String, Vec<String>), String> {
        let loaded = self.settings.load(app).map_err(|bad| bad.to_string())?;
        // Their types are right; whether there is such a zone, and such a minute, only their room knows.
        super::beat::schedule(&loaded).map_err(|bad| bad.to_string())?;
        super::commands::of(&loaded).map_err(|bad| bad.to_string())?;
        if let Some(name) = &self.explain {
            let setting = Settings::setting(name).ok_or_else(|| unknown(name))?;
            return Ok((explained(setting, &loaded), Vec::new()));
        }
        let rows = self.rows(&loaded)?;
        let text = if self.json { as_json(&rows) } else { as_toml(&rows) };
        Ok((text, loaded.settings.noted.warnings().collect()))
    }

    fn rows(&self, loaded: &Loaded) -> Result<Vec<Row>, String> {
        let all = std::iter::once(Row::profile(loaded));
        let all: Vec<Row> = all.chain(Settings::documentation().map(|setting| Row::of(setting, loaded))).collect();
        let filters: Vec<Filter> = self.names.iter().map(|name| Filter::new(name)).collect();
        for (filter, name) in filters.iter().zip(&self.names) {
            if !all.iter().any(|row| filter.matches(row.name)) {
                return Err(unknown(name));
            }
        }
        let wanted = |row: &Row| filters.is_empty() || filters.iter().any(|filter| filter.matches(row.name));
        Ok(all.into_iter().filter(|row| wanted(row) && (row.changed || !self.changed)).collect())
    }
}

fn unknown(name: &str) -> String {
    match name.contains(['*', '?']) {
        true => format!("no setting matches {name:?}"),
        false => crate::settings::unknown(name).to_string(),
    }
}

/// Names that are asked for: by a pattern, or the name of a setting or of its family.
struct Filter(WildMatch, String);

impl Filter {
    fn new(name: &str) -> Self {
        Filter(WildMatch::new(name), format!("{name}."))
    }

    fn matches(&self, name: &str) -> bool {
        self.0.matches(name) || name.starts_with(&self.1)
    }
}

/// A setting as it is printed: secrets are masked.
struct Row {
    name: &'static str,
    /// `None` where it is unset.
    value: Option<Value>,
    default: Option<Value>,
    changed: bool,
    /// `None` where nothing chose it.
    origin: Option<Origin>,
    status: Status,
}

impl Row {
    fn of(setting: &'static Setting, loaded: &Loaded) -> Self {
        let (name, shown) = (setting.name(), |value: Value| setting.shown(&value));
        Row {
            name,
            value: loaded.settings.get(name).map(shown),
            default: setting.default(loaded.profile).map(shown),
            changed: loaded.is_changed(name),
            origin: Some(loaded.origin(name)),
            status: setting.status(),
        }
    }

    fn profile(loaded: &Loaded) -> Self {
        Row {
            name: "profile",
            value: Some(loaded.profile.name().into()),
            default: Some(Profile::default().name().into()),
            changed: loaded.profile != Profile::default(),
            origin: loaded.profile_origin.clone(),
            status: Status::Acts,
        }
    }
}

/// Lines that a file of settings could have.
fn as_toml(rows: &[Row]) -> String {
    let lines: Vec<String> = rows.iter().map(|row| format!("{} = {}", row.name, written(row.value.as_ref()))).collect();
    let width = lines.iter().map(|line| line.chars().count()).filter(|width| *width <= COLUMN).max().unwrap_or(0);
    let origin = |row: &Row| row.origin.as_ref().map_or_else(|| "default".to_owned(), Origin::to_string);
    let both = lines.iter().zip(rows).map(|(line, row)| format!("{line:width$}  # {}\n", origin(row)));
    both.collect()
}

/// A value as it stands in a file.
fn written(value: Option<&Value>) -> String {
    value.map_or_else(|| quoted("none"), on_one_line)
}

/// TOML's own writer breaks texts of several lines. TOML bounds how deep values nest, and so this recursion.
fn on_one_line(value: &Value) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", joined(items.iter().map(on_one_line).collect())),
        Value::Table(table) if table.is_empty() => "{}".to_owned(),
        Value::Table(table) => {
            let member = |(key, value): (&String, &Value)| format!("{} = {}", written_key(key), on_one_line(value));
            format!("{{ {} }}", joined(table.iter().map(member).collect()))
        }
        value => value.to_string(),
    }
}

fn written_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { quoted(key) }
}

/// JSON's escapes are TOML's too; TOML wants one more.
fn quoted(text: &str) -> String {
    json!(text).to_string().replace('\u{7f}', "\\u007f")
}

fn as_json(rows: &[Row]) -> String {
    let effect = |status| match status {
        Status::Acts => json!("acts"),
        Status::Later(part) => json!({ "later": part }),
        Status::Never(reason) => json!({ "never": reason }),
    };
    let lines = rows.iter().map(|row| {
        let line = json!({
            "name": row.name,
            "value": row.value.as_ref().map(json_of),
            "default": row.default.as_ref().map(json_of),
            "changed": row.changed,
            "origin": origin_json(row.origin.as_ref()),
            "effect": effect(row.status),
        });
        format!("{line}\n")
    });
    lines.collect()
}

fn origin_json(origin: Option<&Origin>) -> serde_json::Value {
    match origin {
        None => json!({ "source": "default" }),
        Some(Origin::Profile(profile)) => json!({ "source": "profile", "profile": profile.name() }),
        Some(Origin::Application) => json!({ "source": "application" }),
        Some(Origin::File { path, line }) => json!({ "source": "file", "file": path.to_string_lossy(), "line": line }),
        Some(Origin::Variable(name)) => json!({ "source": "variable", "variable": name }),
        Some(Origin::Flag(flag)) => json!({ "source": "flag", "flag": flag }),
    }
}

/// TOML bounds how deep values nest, and so this recursion.
fn json_of(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => json!(text),
        Value::Integer(number) => json!(number),
        Value::Float(number) => json!(number),
        Value::Boolean(truth) => json!(truth),
        Value::Datetime(time) => json!(time.to_string()),
        Value::Array(items) => items.iter().map(json_of).collect(),
        Value::Table(table) => table.iter().map(|(key, value)| (key.clone(), json_of(value))).collect(),
    }
}

fn explained(setting: &'static Setting, loaded: &Loaded) -> String {
    let row = Row::of(setting, loaded);
    let effect = match setting.status() {
        Status::Acts => "simq acts on it".to_owned(),
        Status::Later(part) => format!("none yet: it comes with {part}"),
        Status::Never(reason) => format!("none: {reason}"),
    };
    let default = |profile| written(setting.default(profile).map(|value| setting.shown(&value)).as_ref());
    let optional = if setting.is_optional() { ", or \"none\"" } else { "" };
    let origin = row.origin.as_ref().map(Origin::to_string).unwrap_or_default();
    format!(
        "{}\n    {}\n\ntakes     {}{optional}\nsafe      {}\ncelery    {}\nvariable  {}\neffect    {effect}\n\n\
         value     {}\nfrom      {origin}\n",
        setting.name(),
        setting.about(),
        setting.takes(),
        default(Profile::Safe),
        default(Profile::Celery),
        setting.variable(),
        written(row.value.as_ref()),
    )
}
