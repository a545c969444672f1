//! `kubectl kuberc`: shows and changes the preferences.

use drydock_value::{Value, value};

use super::{Outcome, Waiting, acts, read_line};
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

/// The fields in Go's order.
const ORDER: &[&str] = &[
    "kind",
    "apiVersion",
    "defaults",
    "aliases",
    "credentialPluginPolicy",
    "credentialPluginAllowlist",
    "name",
    "command",
    "prependArgs",
    "appendArgs",
    "options",
    "default",
];

/// `kubectl kuberc view`
///
/// # Errors
/// When there are no preferences.
pub fn view(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let (path, mut preferences) = load(inv, io)?;
    if preferences.is_null() {
        if kuberc::is_named(&inv.env) {
            return Err(format!("kuberc file not found at {path}").into());
        }
        if io.files.exists(&inv.env.absolute(&path)) {
            return Err(format!("error reading kuberc file: read {path}: is a directory").into());
        }
        io.println(format!("kuberc file not found at {path}"));
        io.print("Would you like to generate a default kuberc file with recommended options? (y/N): ");
        return Ok(Outcome::Waiting(Box::new(Offer { path, answer: Vec::new() })));
    }
    let mut printer = printers::for_output(inv, io, Formats::default())?;
    // Both lists are always written.
    for list in ["defaults", "aliases"] {
        if preferences[list].is_null() {
            preferences.set(list, value!([]));
        }
    }
    if inv.flags.str("output") == "json" {
        io.println(printers::go::escape_html(&printers::go::ordered_json(&preferences, ORDER, Some(4))));
    } else if let Some(printer) = &mut printer {
        printer.print(io, &preferences)?;
    }
    Ok(Outcome::Done)
}

/// Waits for a line that says whether there shall be preferences.
#[derive(Debug, Clone)]
struct Offer {
    path: String,
    answer: Vec<u8>,
}

impl Waiting for Offer {
    fn step(&mut self, io: &mut Io<'_>) -> Result<Outcome, Failure> {
        if let Some(waiting) = read_line(io, &mut self.answer) {
            return Ok(waiting);
        }
        if String::from_utf8_lossy(&self.answer).trim().eq_ignore_ascii_case("y") {
            let preferences = value!({"apiVersion": kuberc::VERSIONS[0], "kind": "Preference", "aliases": null, "defaults": [
                {"command": "apply", "options": [{"name": "server-side", "default": "true"}]},
                {"command": "delete", "options": [{"name": "interactive", "default": "true"}]}
            ]});
            save(&self.path, &self.path, &preferences, io)?;
        }
        Ok(Outcome::Done)
    }

    fn clone_box(&self) -> Box<dyn Waiting> {
        Box::new(self.clone())
    }
}

fn save(path: &str, shown: &str, preferences: &Value, io: &mut Io<'_>) -> Result<(), Failure> {
    if let Some((folder, _)) = path.rsplit_once('/') {
        io.files.mkdir_all(folder)?;
    }
    let text = drydock_yaml::to_yaml(preferences);
    io.files.write(path, text.as_bytes()).map_err(|errno| format!("open {shown}: {errno}"))?;
    io.println(format!("Updated {shown}"));
    Ok(())
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
    save(&inv.env.absolute(&path), &path, &preferences, io)?;
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
