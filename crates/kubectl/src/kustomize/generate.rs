//! `configMapGenerator` and `secretGenerator`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drydock_value::{Value, value};

use super::load::{Loader, World};
use super::resource::{self, Item, Items};

/// Runs the generators of a kustomization.
///
/// # Errors
/// kustomize's words.
pub(super) fn run(
    kustomization: &Value,
    world: &mut World<'_>,
    loader: &Loader,
    items: &mut Items,
) -> Result<(), String> {
    for (field, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
        for entry in kustomization[field].items() {
            let origin = value!({
                "configuredIn": loader.relative("kustomization.yaml"),
                "configuredBy": {"apiVersion": "builtin", "kind": format!("{kind}Generator")}
            });
            one(kind, entry, &kustomization["generatorOptions"], origin, world, loader, items)?;
        }
    }
    Ok(())
}

/// Generates one object; `all` are the options of all generators.
///
/// # Errors
/// kustomize's words.
pub(super) fn one(
    kind: &str,
    entry: &Value,
    all: &Value,
    origin: Value,
    world: &mut World<'_>,
    loader: &Loader,
    items: &mut Items,
) -> Result<(), String> {
    let options = merged_options(all, &entry["options"]);
    let object = make(kind, entry, &options, world, loader)?;
    let hashed = !options["disableNameSuffixHash"].is_true();
    add(items, Item { object, hashed, origin, ..Item::default() }, entry["behavior"].str())
}

/// The options of all generators with those of one laid over.
fn merged_options(all: &Value, own: &Value) -> Value {
    let mut options = if all.is_null() { Value::object() } else { all.clone() };
    if !own.is_null() {
        options = drydock_schema::patch::merge_patch(&options, own);
    }
    for flag in ["disableNameSuffixHash", "immutable"] {
        if all[flag].is_true() {
            options.set(flag, true);
        }
    }
    options
}

fn make(kind: &str, entry: &Value, options: &Value, world: &mut World<'_>, loader: &Loader) -> Result<Value, String> {
    let mut object = value!({"apiVersion": "v1", "kind": kind, "metadata": {"name": entry["name"].str()}});
    if !entry["namespace"].is_empty() {
        object["metadata"].set("namespace", &entry["namespace"]);
    }
    if kind == "Secret" {
        let of = entry["type"].str();
        object.set("type", if of.is_empty() { "Opaque" } else { of });
    }
    // kustomize says so of secrets too.
    if entry["name"].is_empty() {
        return Err("a configmap must have a name".into());
    }
    let pairs = pairs(entry, world, loader).map_err(|why| format!("loading KV pairs: {why}"))?;
    for (key, bytes) in pairs {
        if object["data"].get(&key).or(object["binaryData"].get(&key)).is_some() {
            return Err(format!("configmap {} illegally repeats the key `{key}`", entry["name"].str()));
        }
        match (kind, String::from_utf8(bytes)) {
            ("ConfigMap", Ok(text)) => object["data"].set(key, text),
            ("ConfigMap", Err(error)) => object["binaryData"].set(key, STANDARD.encode(error.as_bytes())),
            (_, Ok(text)) => object["data"].set(key, STANDARD.encode(text)),
            (_, Err(error)) => object["data"].set(key, STANDARD.encode(error.as_bytes())),
        }
    }
    if kind == "Secret" && object["data"].is_null() {
        object.set("data", Value::object());
    }
    for field in ["labels", "annotations"] {
        for (key, text) in options[field].entries() {
            object["metadata"][field].set(key, text);
        }
    }
    if options["immutable"].is_true() {
        object.set("immutable", true);
    }
    Ok(object)
}

type Pair = (String, Vec<u8>);

fn pairs(entry: &Value, world: &mut World<'_>, loader: &Loader) -> Result<Vec<Pair>, String> {
    let texts = |field: &str| entry[field].items().iter().map(|item| item.str().to_owned()).collect::<Vec<_>>();
    let go = |list: &[String]| format!("[{}]", list.join(" "));
    let mut all = Vec::new();
    let mut sources = texts("envs");
    sources.extend(entry["env"].as_str().map(str::to_owned));
    for path in &sources {
        let wrap = |why: String| format!("env source files: {}: {why}", go(&sources));
        let bytes = loader.load(world, path).map_err(wrap)?;
        for line in String::from_utf8_lossy(&bytes).lines() {
            let line = line.trim_start_matches('\u{feff}').trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, text) = match line.split_once('=') {
                Some((key, text)) => (key, text.to_owned()),
                None => (line, String::new()),
            };
            if !key.is_empty() {
                all.push((key.to_owned(), text.into_bytes()));
            }
        }
    }
    let literals = texts("literals");
    for literal in &literals {
        let Some((key, text)) = literal.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            let sources = go(&literals);
            return Err(format!("literal sources {sources}: invalid literal source {literal}, expected key=value"));
        };
        let bare = ['\'', '"'].into_iter().find_map(|quote| {
            text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)).filter(|_| text.len() > 1)
        });
        all.push((key.to_owned(), bare.unwrap_or(text).as_bytes().to_vec()));
    }
    let files = texts("files");
    for source in &files {
        let wrap = |why: String| format!("file sources: {}: {why}", go(&files));
        let (key, path) = match source.split('=').collect::<Vec<_>>().as_slice() {
            [path] => (path.rsplit('/').next().unwrap_or(path).to_owned(), (*path).to_owned()),
            ["", path] => return Err(wrap(format!("missing key name for file path {path:?} in source {source:?}"))),
            [key, ""] => return Err(wrap(format!("missing file path for key name {key:?} in source {source:?}"))),
            [key, path] => ((*key).to_owned(), (*path).to_owned()),
            _ => return Err(wrap(format!("source {source:?} key name or file path contains '='"))),
        };
        all.push((key, loader.load(world, &path).map_err(wrap)?));
    }
    Ok(all)
}

/// Adds what was generated: as a new object, or over one of that name, as `behavior` says.
fn add(items: &mut Items, mut item: Item, behavior: &str) -> Result<(), String> {
    let id = item.id();
    let places = resource::matching(items, &id);
    let fail = |why: String| {
        // Where Go prints an address, there is only this to tell one from another.
        let digest = drydock_pki::sha256::digest(id.to_string().as_bytes());
        let address: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Err(format!("merging from generator &{{0xc0{address} <nil>}}: {why}"))
    };
    let merges = behavior == "merge";
    match places.as_slice() {
        [] if merges || behavior == "replace" => {
            fail(format!("id {} does not exist; cannot merge or replace", id.debug()))
        }
        [] => match resource::append(items, item) {
            Ok(()) => Ok(()),
            Err(why) => fail(why),
        },
        [place] if merges || behavior == "replace" => {
            let old = &items[*place];
            let new = std::mem::take(&mut item.object);
            let mut object = new.clone();
            let (mut metadata, own) = (old.object["metadata"].clone(), &new["metadata"]);
            for field in ["labels", "annotations"] {
                for (key, text) in own[field].entries() {
                    metadata[field].set(key, text);
                }
            }
            object.set("metadata", metadata);
            for field in ["data", "binaryData"].iter().filter(|_| merges) {
                for (key, text) in old.object[*field].entries() {
                    if object[*field].get(key).is_none() {
                        object[*field].set(key, text);
                    }
                }
            }
            // What was there without a hash stays without.
            items[*place] = Item { object, hashed: item.hashed && old.hashed, ..old.clone() };
            Ok(())
        }
        [_] => {
            let behavior = if behavior == "create" { behavior } else { "unspecified" };
            let why = format!("can not use behavior: '{behavior}', behavior must be merge or replace");
            fail(format!("id {} exists; {why}", id.debug()))
        }
        _ => fail(format!("found multiple objects [{id}] that could accept merge of {}", id.debug())),
    }
}
