//! `kubectl kuberc`: shows and changes the preferences.

use drydock_value::{Value, value};

use super::{Outcome, acts};
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;
use crate::kuberc;
use crate::printers::{self, Formats};

fn load(inv: &Invocation, io: &mut Io<'_>) -> Result<(String, Value), Failure> {
    let path = kuberc::path(&inv.env).ok_or_else(|| Failure::from("kuberc is disabled"))?;
    Ok((path, kuberc::load(&inv.env, io.files)?))
}

/// `kubectl kuberc view`
///
/// # Errors
/// When there are no preferences.
pub fn view(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let (path, preferences) = load(inv, io)?;
    if preferences.is_null() {
        return Err(format!("no kuberc file found at {path}").into());
    }
    if let Some(mut printer) = printers::for_output(inv, io, Formats::default())? {
        printer.print(io, &preferences)?;
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
        return Err(format!("--command is required when --section={section}").into());
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
        return Err("--prependarg and --appendarg are only valid when --section=aliases".into());
    }
    let mut entry = value!({"command": command});
    for option in inv.flags.list("option") {
        let Some((flag, value)) = option.split_once('=').filter(|(flag, _)| !flag.is_empty()) else {
            return Err(format!("invalid option format {}, expected format is flag=value", quote(&option)).into());
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
            preferences[section].items_mut()[at] = entry;
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
    if !matches!(policy, "AllowAll" | "DenyAll" | "Allowlist") {
        return Err(format!("invalid policy {}, must be one of AllowAll, DenyAll, Allowlist", quote(policy)).into());
    }
    preferences.set("credentialPluginPolicy", policy);
    let mut allowed = Vec::new();
    for entry in inv.flags.list("allowlist-entry") {
        let Some((key, value)) = entry.split_once('=') else {
            return Err(format!("invalid allowlist entry {}, expected format is key=value", quote(&entry)).into());
        };
        let mut row = Value::object();
        row.set(key, value);
        allowed.push(row);
    }
    if !allowed.is_empty() {
        preferences.set("credentialPluginAllowlist", allowed);
    }
    Ok(())
}
