//! `config set` and `config unset`: fields by their path.

use base64::Engine;
use drydock_value::Value;

use super::fields::{self, Kind};
use super::{Config, Section};
use crate::failure::Failure;
use crate::flags::parse_bool;

/// Where a path leads.
enum Place {
    Current,
    Preferences,
    /// `preferences.colors`
    Colors,
    Section(Section),
    Entry(Section, String),
    Field(Section, String, &'static str, Kind),
}

fn find(path: &str) -> Result<Place, Failure> {
    let parts: Vec<&str> = path.split('.').collect();
    let too_long = || Failure::Error(format!("unable to parse one or more field values of {path}"));
    let section = match parts.as_slice() {
        [""] => return Err("you must specify a property".into()),
        ["current-context"] => return Ok(Place::Current),
        ["current-context", ..] => return Err(too_long()),
        ["preferences"] => return Ok(Place::Preferences),
        ["preferences", "colors"] => return Ok(Place::Colors),
        ["clusters", ..] => Section::Clusters,
        ["contexts", ..] => Section::Contexts,
        ["users", ..] => Section::Users,
        _ => return Err(Failure::Error(format!("unable to parse {path} after [] at api.Config"))),
    };
    let rest = parts.get(1..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(Place::Section(section));
    }
    // Names may hold dots: a name goes on until something that is a field.
    let known = |part: &&str| fields::of(section).iter().find(|(field, _)| field == part).copied();
    let others = ["exec", "auth-provider", "extensions"];
    for (at, part) in rest.iter().enumerate().skip(1) {
        let name = rest.get(..at).unwrap_or_default().join(".");
        if let Some((field, kind)) = known(part) {
            return if at + 1 == rest.len() { Ok(Place::Field(section, name, field, kind)) } else { Err(too_long()) };
        }
        if others.contains(part) {
            return Err(too_long());
        }
    }
    Ok(Place::Entry(section, rest.join(".")))
}

/// Sets a field.
///
/// # Errors
/// When the path leads nowhere or the value is not what the field holds.
pub fn set_property(config: &mut Config, path: &str, value: &str, raw_bytes: bool) -> Result<(), Failure> {
    match find(path)? {
        Place::Current => value.clone_into(&mut config.current),
        Place::Preferences => return Err(format!("unable to parse one or more field values of {path}").into()),
        Place::Colors => config.preferences.set("colors", boolean(value)?),
        Place::Section(section) | Place::Entry(section, _) => {
            let entries: Vec<String> = config.section(section).keys().map(|name| format!("{name}:0x0")).collect();
            return Err(format!("can't set a map to a value: map[{}]", entries.join(" ")).into());
        }
        Place::Field(section, name, field, kind) => {
            let value = match kind {
                Kind::Text => Value::from(value),
                Kind::Bool => boolean(value)?.into(),
                Kind::Bytes if raw_bytes => base64::engine::general_purpose::STANDARD.encode(value).into(),
                Kind::Bytes => {
                    // Go reads over line breaks.
                    let value = value.replace(['\n', '\r'], "");
                    if base64::engine::general_purpose::STANDARD.decode(&value).is_err() {
                        return Err("error decoding input value: illegal base64 data at input byte 0".into());
                    }
                    Value::from(value)
                }
            };
            config.section_mut(section).entry(name).or_insert_with(Value::object).set(field, value);
        }
    }
    Ok(())
}

fn boolean(value: &str) -> Result<bool, Failure> {
    parse_bool(value).ok_or_else(|| {
        Failure::Error(format!("strconv.ParseBool: parsing {}: invalid syntax", crate::failure::quote(value)))
    })
}

/// Takes a field, an entry or a whole part away.
///
/// # Errors
/// When the path leads nowhere.
pub fn unset_property(config: &mut Config, path: &str) -> Result<(), Failure> {
    match find(path)? {
        Place::Current => config.current.clear(),
        Place::Preferences => config.preferences = Value::Null,
        Place::Colors => {
            config.preferences.remove("colors");
        }
        Place::Section(section) => config.section_mut(section).clear(),
        Place::Entry(section, name) => {
            config.section_mut(section).remove(&name);
        }
        Place::Field(section, name, field, _) => {
            let Some(entry) = config.section_mut(section).get_mut(&name) else {
                return Err(format!("current map key `{name}` is invalid").into());
            };
            entry.remove(field);
        }
    }
    Ok(())
}
