//! Lays the file, the environment and the flags over the defaults. The defaults know every setting and its type, so
//! that a misspelt name or a text where a number belongs is a fault of its source, named there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::{Table, Value};

use super::{ConfigFaults, DEFAULTS, Secret};

const PREFIX: &str = "TRIBUTARY_";
/// The keys themselves come by these names only; they have no place in a file.
const KEK: &str = "TRIBUTARY_KEK";
const KEK_ALSO: &str = "TRIBUTARY_KEK_ALSO";
/// Names that other commands of this program and its tests read.
const FOREIGN: [&str; 4] = [
    "TRIBUTARY_SIM_LISTEN",
    "TRIBUTARY_SIM_BACKUP_LISTEN",
    "TRIBUTARY_CONFIG",
    "TRIBUTARY_DEV_JSON",
];
const FOREIGN_PREFIX: &str = "TRIBUTARY_TEST_";

/// Where settings come from, besides the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file, when one is named.
    pub file: Option<PathBuf>,
    /// Environment variables; those that are not ours are left alone.
    pub environment: BTreeMap<String, String>,
    /// Settings by their path, such as `database.url`.
    pub flags: BTreeMap<String, String>,
}

impl Sources {
    pub(super) fn kek(&self) -> Option<Secret> {
        self.secret(KEK)
    }

    pub(super) fn kek_also(&self) -> Option<Secret> {
        self.secret(KEK_ALSO)
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        let value = self.environment.get(name)?;
        (!value.is_empty()).then(|| Secret::new(value))
    }
}

/// One setting: its path in the file, and its default.
struct Setting {
    path: Vec<String>,
    default: Value,
}

pub(super) fn merge(sources: &Sources) -> Result<Table, ConfigFaults> {
    let mut merged: Table = DEFAULTS
        .parse()
        .map_err(|error: toml::de::Error| ConfigFaults(vec![error.to_string()]))?;
    let settings = settings(&merged, &[]);
    let mut faults = Vec::new();
    lay_file(sources, &settings, &mut merged, &mut faults);
    lay_environment(sources, &settings, &mut merged, &mut faults);
    for (path, text) in &sources.flags {
        let place = settings
            .iter()
            .find(|setting| setting.path.join(".") == *path);
        match place.and_then(|setting| Some((setting, read(text, &setting.default)?))) {
            Some((setting, value)) => put(&mut merged, &setting.path, value),
            None => faults.push(format!("the flag for {path} cannot be {text:?}")),
        }
    }
    if faults.is_empty() {
        Ok(merged)
    } else {
        Err(ConfigFaults(faults))
    }
}

fn settings(table: &Table, above: &[String]) -> Vec<Setting> {
    let mut found = Vec::new();
    for (key, value) in table {
        let path = [above, std::slice::from_ref(key)].concat();
        match value {
            Value::Table(inner) => found.extend(settings(inner, &path)),
            default => found.push(Setting {
                path,
                default: default.clone(),
            }),
        }
    }
    found
}

fn lay_file(sources: &Sources, known: &[Setting], merged: &mut Table, faults: &mut Vec<String>) {
    let Some(path) = &sources.file else { return };
    let file = path.display();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return faults.push(format!("{file} cannot be read: {error}")),
    };
    let table: Table = match text.parse() {
        Ok(table) => table,
        // The library's text quotes the line, which may hold a password.
        Err(error) => {
            let error: toml::de::Error = error;
            return faults.push(format!("{file} is not TOML: {}", error.message()));
        }
    };
    for stated in settings(&table, &[]) {
        let name = stated.path.join(".");
        let Some(setting) = known.iter().find(|setting| setting.path == stated.path) else {
            faults.push(format!("{file}: there is no setting {name}"));
            continue;
        };
        if stated.default.same_type(&setting.default) {
            put(merged, &setting.path, stated.default);
        } else {
            let wanted = setting.default.type_str();
            faults.push(format!("{file}: {name} must be of type {wanted}"));
        }
    }
}

fn lay_environment(
    sources: &Sources,
    known: &[Setting],
    merged: &mut Table,
    faults: &mut Vec<String>,
) {
    let ours = sources.environment.iter().filter(|(name, _)| {
        name.starts_with(PREFIX)
            && ![KEK, KEK_ALSO].contains(&name.as_str())
            && !FOREIGN.contains(&name.as_str())
            && !name.starts_with(FOREIGN_PREFIX)
    });
    for (name, text) in ours {
        let Some(setting) = known
            .iter()
            .find(|setting| variable(&setting.path) == *name)
        else {
            faults.push(format!("the environment: there is no setting for {name}"));
            continue;
        };
        if let Some(value) = read(text, &setting.default) {
            put(merged, &setting.path, value);
        } else {
            let wanted = setting.default.type_str();
            faults.push(format!("the environment: {name} must be of type {wanted}"));
        }
    }
}

/// The environment's name of a setting.
fn variable(path: &[String]) -> String {
    format!("{PREFIX}{}", path.join("_").to_uppercase())
}

/// Reads a text as the type that the default has; a list is separated by commas.
fn read(text: &str, default: &Value) -> Option<Value> {
    match default {
        Value::String(_) => Some(Value::String(text.to_owned())),
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        Value::Array(_) => {
            let items = text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty());
            Some(Value::Array(items.map(Value::from).collect()))
        }
        _ => None,
    }
}

fn put(table: &mut Table, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => {
            table.insert(key.clone(), value);
        }
        [key, rest @ ..] => {
            if let Some(Value::Table(inner)) = table.get_mut(key) {
                put(inner, rest, value);
            }
        }
    }
}
