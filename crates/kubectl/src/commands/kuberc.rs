//! `kubectl kuberc`: shows and changes the preferences.

use drydock_value::{Value, value};

use super::{Outcome, acts};
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;
use crate::kuberc;
use crate::printers::{self, Formats};

fn load(inv: &Invocation, io: &mut Io<'_>) -> Result<(String, Value), Failure> {
    if kuberc::is_off(&inv.env) {
        return Err("KUBERC is disabled via KUBERC=off environment variable".into());
    }
    let preferences = kuberc::load(&inv.env, io.files)?.preferences;
    Ok((kuberc::path(&inv.env), preferences))
}

/// Preferences in the order of Go's fields, with the lists that are always written.
fn in_order(preferences: &Value) -> Value {
    fn fields(from: &Value, names: &[&str]) -> Value {
        let mut out = Value::object();
        for name in names.iter().filter(|name| !from[**name].is_null()) {
            let mut value = from[*name].clone();
            if *name == "options" {
                value = value.items().iter().map(|option| fields(option, &["name", "default"])).collect();
            }
            out.set(*name, value);
        }
        out
    }
    let entries = |list: &str, names: &[&str]| -> Value {
        preferences[list].items().iter().map(|entry| fields(entry, names)).collect()
    };
    let mut out = fields(preferences, &["kind", "apiVersion"]);
    let mut defaults = entries("defaults", &["command", "options"]);
    for entry in defaults.items_mut().iter_mut().filter(|entry| entry["options"].is_null()) {
        entry.set("options", Value::Null);
    }
    out.set("defaults", defaults);
    out.set("aliases", entries("aliases", &["name", "command", "prependArgs", "appendArgs", "options"]));
    for field in ["credentialPluginPolicy", "credentialPluginAllowlist"] {
        if !preferences[field].is_null() {
            out.set(field, preferences[field].clone());
        }
    }
    out
}

/// `kubectl kuberc view`
///
/// # Errors
/// When there are no preferences.
pub fn view(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let (path, preferences) = load(inv, io)?;
    if preferences.is_null() {
        return Err(format!("kuberc file not found at {path}").into());
    }
    if let Some(mut printer) = printers::for_output(inv, io, Formats::default())? {
        printer.print(io, &in_order(&preferences))?;
    }
    Ok(Outcome::Done)
}

/// The flags that `set` acts on.
pub const SET_FLAGS: &[&[&str]] = &[acts::EVERY];

/// `kubectl kuberc set`
///
/// # Errors
/// When the entry makes no sense, or is there already.
pub fn set(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let section = inv.flags.str("section").to_owned();
    if !matches!(section.as_str(), "defaults" | "aliases" | "credentialplugin") {
        let known = "--section must be \"defaults\", \"aliases\", or \"credentialplugin\"";
        return Err(format!("{known}, got: {section}").into());
    }
    let (path, preferences) = load(inv, io)?;
    let mut preferences = if preferences.is_null() {
        value!({"apiVersion": kuberc::VERSIONS[0], "kind": "Preference"})
    } else {
        preferences
    };
    if section == "credentialplugin" {
        credentials(inv, &mut preferences)?;
    } else {
        entry(inv, &section, &mut preferences)?;
    }
    if let Some((folder, _)) = path.rsplit_once('/') {
        io.files.mkdir_all(folder)?;
    }
    io.files
        .write(&path, drydock_yaml::to_yaml(&preferences).as_bytes())
        .map_err(|errno| format!("open {path}: {errno}"))?;
    io.println(format!("Updated {path}"));
    Ok(Outcome::Done)
}

fn entry(inv: &Invocation, section: &str, preferences: &mut Value) -> Result<(), Failure> {
    let (command, name) = (inv.flags.str("command"), inv.flags.str("name"));
    if command.is_empty() {
        return Err("--command is required when --section=aliases or --section=defaults".into());
    }
    let alias = section == "aliases";
    let (prepend, append) = (inv.flags.list("prependarg"), inv.flags.list("appendarg"));
    if alias && name.is_empty() {
        return Err("--name is required when --section=aliases".into());
    }
    if !alias && !name.is_empty() {
        return Err("--name should not be specified when --section=defaults".into());
    }
    let extra = !prepend.is_empty() || !append.is_empty();
    if extra && !alias {
        return Err("--prependarg and --appendarg are only valid for --section=aliases".into());
    }
    let mut entry = value!({"command": command});
    for option in inv.flags.list("option") {
        let Some((flag, value)) = option.split_once('=').filter(|(flag, _)| !flag.is_empty()) else {
            return Err(format!("invalid option format {}, expected flag=value", quote(&option)).into());
        };
        entry["options"].push(value!({"name": flag, "default": value}));
    }
    if alias {
        entry.set("name", name);
        for (field, words) in [("prependArgs", prepend), ("appendArgs", append)] {
            if !words.is_empty() {
                entry.set(field, words);
            }
        }
    }
    let key = if alias { "name" } else { "command" };
    let there = preferences[section].items().iter().position(|other| other[key] == entry[key]);
    match there {
        Some(_) if !inv.flags.bool("overwrite") => {
            let what = if alias {
                format!("alias {}", quote(name))
            } else {
                format!("defaults for command {}", quote(command))
            };
            let verb = if alias { "exists" } else { "exist" };
            Err(format!("{what} already {verb}, use --overwrite to replace").into())
        }
        Some(at) => {
            let old = &mut preferences[section].items_mut()[at];
            for (field, value) in entry.as_object().into_iter().flat_map(|map| map.iter()) {
                old.set(field, value.clone());
            }
            Ok(())
        }
        None => {
            preferences[section].push(entry);
            Ok(())
        }
    }
}

/// Which programs may be run for credentials.
fn credentials(inv: &Invocation, preferences: &mut Value) -> Result<(), Failure> {
    let policy = inv.flags.str("policy");
    let entries = inv.flags.list("allowlist-entry");
    match policy {
        "" => return Err("--policy is required when --section=credentialplugin".into()),
        "Allowlist" => {}
        "AllowAll" | "DenyAll" if entries.is_empty() => {}
        "AllowAll" | "DenyAll" => {
            let only = "--allowlist-entry may only be used when --section=credentialplugin and --policy=Allowlist";
            return Err(only.into());
        }
        _ => {
            let known = " --policy must be  \"AllowAll\", \"DenyAll\", or \"Allowlist\"";
            return Err(format!("{known}, got: {policy}").into());
        }
    }
    preferences.set("credentialPluginPolicy", policy);
    let mut allowed = Vec::new();
    for entry in entries {
        let Some((key, value)) = entry.split_once('=') else {
            return Err(format!("improperly formatted allowlist entry: {}", quote(&entry)).into());
        };
        if key == "name" {
            return Err("allowlist entry field \"name\" is deprecated, use \"command\" instead".into());
        }
        let mut row = Value::object();
        row.set(key, value);
        allowed.push(row);
    }
    if !allowed.is_empty() {
        preferences.set("credentialPluginAllowlist", allowed);
    }
    Ok(())
}
