//! `kubectl api-resources` and `kubectl api-versions`: what the server serves.

use drydock_api::Resource;
use drydock_sorted::Sort;
use drydock_value::{Value, value};

use super::Outcome;
use crate::env::Io;
use crate::failure::{Failure, quote};
use crate::invocation::Invocation;
use crate::printers::Printer;
use crate::printers::tabs::Tabs;

/// The flags of `api-resources`.
pub const FLAGS: &[&[&str]] = &[&[
    "api-group",
    "cached",
    "categories",
    "namespaced",
    "no-headers",
    "output",
    "show-managed-fields",
    "sort-by",
    "verbs",
]];

/// `kubectl api-resources`
///
/// # Errors
/// When the server can't be asked.
pub fn resources(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let output = inv.flags.str("output").to_owned();
    if !matches!(output.as_str(), "" | "wide" | "name" | "json" | "yaml" | "kyaml") {
        return Err(format!(
            "unable to match a printer suitable for the output format {}, allowed formats are: json,kyaml,name,wide,yaml",
            quote(&output)
        )
        .into());
    }
    let sort = inv.flags.str("sort-by").to_owned();
    if !matches!(sort.as_str(), "" | "name" | "kind") {
        return Err("--sort-by accepts only name or kind".into());
    }
    if !inv.args.is_empty() {
        return Err(inv.usage(format!("unexpected arguments: [{}]", inv.args.join(" "))));
    }
    let (verbs, categories) = (inv.flags.list("verbs"), inv.flags.list("categories"));
    let group = inv.flags.given("api-group").then(|| inv.flags.str("api-group").to_owned());
    let namespaced = inv.flags.given("namespaced").then(|| inv.flags.bool("namespaced"));
    let wanted = |r: &&Resource| {
        !r.verbs.is_empty()
            && group.as_ref().is_none_or(|group| r.id.group == *group)
            && namespaced.is_none_or(|namespaced| r.namespaced() == namespaced)
            && verbs.iter().all(|verb| r.verbs.contains(verb))
            && categories.iter().all(|category| r.categories.contains(category))
    };
    let mapper = if inv.flags.bool("cached") { inv.mapper(io)? } else { inv.fresh_mapper(io)? };
    let mut found: Vec<Resource> = mapper.preferred().filter(wanted).cloned().collect();
    found.sort_compact_by(|a, b| {
        let by = |r: &Resource| match sort.as_str() {
            "name" => r.id.resource.clone(),
            "kind" => r.kind.clone(),
            _ => r.id.group.clone(),
        };
        by(a).cmp(&by(b)).then_with(|| a.id.resource.cmp(&b.id.resource))
    });
    match output.as_str() {
        "name" => {
            for resource in &found {
                io.println(resource.id.group_resource());
            }
        }
        "json" | "yaml" | "kyaml" => return print_list(inv, io, &found),
        output => print_table(inv, io, &found, output == "wide"),
    }
    Ok(Outcome::Done)
}

fn print_table(inv: &Invocation, io: &mut Io<'_>, resources: &[Resource], wide: bool) {
    let mut tabs = Tabs::table();
    if !inv.flags.bool("no-headers") {
        let mut header = vec!["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"];
        if wide {
            header.extend(["VERBS", "CATEGORIES"]);
        }
        tabs.row(&header);
    }
    for resource in resources {
        let mut cells = vec![
            resource.id.resource.clone(),
            resource.short_names.join(","),
            resource.id.group_version().to_string(),
            resource.namespaced().to_string(),
            resource.kind.clone(),
        ];
        if wide {
            cells.extend([resource.verbs.join(","), resource.categories.join(",")]);
        }
        tabs.row(&cells);
    }
    let text = tabs.flush();
    io.print(text);
}

fn print_list(inv: &Invocation, io: &mut Io<'_>, resources: &[Resource]) -> Result<Outcome, Failure> {
    let rows: Value = resources
        .iter()
        .map(|r| {
            let mut row = value!({
                "name": &r.id.resource, "singularName": &r.singular, "namespaced": r.namespaced(), "kind": &r.kind,
                "verbs": r.verbs.clone(), "version": &r.id.version
            });
            for (key, list) in [("shortNames", &r.short_names), ("categories", &r.categories)] {
                if !list.is_empty() {
                    row.set(key, list.clone());
                }
            }
            if !r.id.group.is_empty() {
                row.set("group", &r.id.group);
            }
            row
        })
        .collect();
    let list = value!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "", "resources": rows});
    match inv.flags.str("output") {
        "json" => {
            let order: Vec<&str> =
                "name singularName namespaced group version kind apiVersion groupVersion resources verbs \
                                    shortNames categories"
                    .split(' ')
                    .collect();
            io.println(crate::printers::go::ordered_json(&list, &order, Some(4)));
        }
        "yaml" => Printer::yaml().print(io, &list)?,
        _ => io.print(crate::printers::kyaml::print(&list)),
    }
    Ok(Outcome::Done)
}

/// `kubectl api-versions`
///
/// # Errors
/// When the server can't be asked.
pub fn versions(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    if !inv.args.is_empty() {
        return Err(inv.usage(format!("unexpected arguments: [{}]", inv.args.join(" "))));
    }
    let mut versions: Vec<String> =
        inv.fresh_mapper(io)?.resources().iter().map(|r| r.id.group_version().to_string()).collect();
    versions.sort_compact();
    versions.dedup();
    for version in versions {
        io.println(version);
    }
    Ok(Outcome::Done)
}

/// What the client says of itself.
pub const CLIENT_VERSION: &str = "v1.36.4";

/// `kubectl version`
///
/// # Errors
/// When the server can't be asked.
pub fn version(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    if !inv.args.is_empty() {
        return Err(format!("extra arguments: [{}]", inv.args.join(" ")).into());
    }
    let output = inv.flags.str("output").to_owned();
    if !matches!(output.as_str(), "" | "json" | "yaml") {
        return Err("--output must be 'yaml' or 'json'".into());
    }
    let mut versions = value!({"clientVersion": client_version(), "kustomizeVersion": "v5.8.1"});
    let mut failure = None;
    if !inv.flags.bool("client") {
        match inv.client(io).and_then(|client| crate::mapper::server_version(client, io)) {
            Ok(server) => versions.set("serverVersion", server),
            Err(why) => failure = Some(why),
        }
    }
    match output.as_str() {
        "json" => {
            let order = [&["clientVersion", "kustomizeVersion", "serverVersion"], VERSION_FIELDS].concat();
            io.println(crate::printers::go::ordered_json(&versions, &order, Some(2)));
        }
        "yaml" => {
            io.print(crate::text::to_yaml(&versions));
            io.print("\n");
        }
        _ => {
            io.println(format!("Client Version: {CLIENT_VERSION}"));
            io.println("Kustomize Version: v5.8.1");
            if let Some(server) = versions["serverVersion"]["gitVersion"].as_str() {
                io.println(format!("Server Version: {server}"));
                warn_of_skew(io, server);
            }
        }
    }
    match failure {
        Some(failure) => Err(failure),
        None => Ok(Outcome::Done),
    }
}

/// The fields of a version, in the order of Go's type.
const VERSION_FIELDS: &[&str] = &[
    "major",
    "minor",
    "emulationMajor",
    "emulationMinor",
    "minCompatibilityMajor",
    "minCompatibilityMinor",
    "gitVersion",
    "gitCommit",
    "gitTreeState",
    "buildDate",
    "goVersion",
    "compiler",
    "platform",
];

fn client_version() -> Value {
    value!({
        "major": "1", "minor": "36", "gitVersion": CLIENT_VERSION,
        "gitCommit": "bb826b1d48562f110659e64e8ec444327433db95", "gitTreeState": "clean",
        "buildDate": "2026-08-20T03:09:25Z", "goVersion": "go1.26.5", "compiler": "gc", "platform": "linux/amd64"
    })
}

/// What `--match-server-version` asks: that client and server were built of the same source.
///
/// # Errors
/// When they were not.
pub fn match_versions(server: &Value) -> Result<(), Failure> {
    let client = client_version();
    if ["gitVersion", "gitCommit", "gitTreeState"].iter().all(|field| server[*field] == client[*field]) {
        return Ok(());
    }
    // As Go prints a struct: names of fields are those of JSON with a capital letter.
    let go = |version: &Value| {
        let field = |name: &&str| format!("{}{}:{:?}", name[..1].to_uppercase(), &name[1..], version[*name].str());
        VERSION_FIELDS.iter().map(field).collect::<Vec<_>>().join(", ")
    };
    let (there, here) = (go(server), go(&client));
    Err(format!("server version (&version.Info{{{there}}}) differs from client version (version.Info{{{here}}})")
        .into())
}

/// kubectl supports servers one minor version older or newer.
fn warn_of_skew(io: &mut Io<'_>, server: &str) {
    let minor = |version: &str| version.split('.').nth(1).and_then(|minor| minor.parse::<i64>().ok());
    let (Some(client), Some(there)) = (minor(CLIENT_VERSION), minor(server)) else { return };
    if (client - there).abs() > 1 {
        io.eprintln(format!(
            "WARNING: version difference between client (1.{client}) and server (1.{there}) exceeds the supported minor version skew of +/-1"
        ));
    }
}
