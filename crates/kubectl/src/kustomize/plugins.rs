//! `transformers` and `generators`: what kustomize has built in, configured by objects.

use drydock_value::{Value, value};

use super::load::{self, Loader, World};
use super::resource::{self, Item, Items};
use super::{fields, generate, patch, replace, transform};

/// What generates.
const GENERATORS: [&str; 2] = ["ConfigMapGenerator", "SecretGenerator"];

/// What transforms, without `Transformer`.
const OTHERS: &str = "Annotations ImageTag Label LegacyOrder Namespace Patch PatchJson6902 PatchStrategicMerge Prefix PrefixSuffix Replacement ReplicaCount SortOrder Suffix";

/// The objects that configure a field's plugins: files, folders, or the objects themselves.
fn configured(
    world: &mut World<'_>,
    loader: &Loader,
    kustomization: &Value,
    field: &str,
) -> Result<Vec<(Value, Value)>, String> {
    let mut items = Items::new();
    for entry in kustomization[field].items() {
        let text = entry.str();
        let inline = load::documents(text.as_bytes(), "").ok().filter(|objects| !objects.is_empty());
        match inline {
            Some(objects) => {
                let origin = value!({"path": loader.relative("kustomization.yaml")});
                let item = |object| Item { object, origin: origin.clone(), ..Item::default() };
                items.extend(objects.into_iter().map(item));
            }
            None => load::resource_entry(world, loader, text, &mut items)?,
        }
    }
    Ok(items
        .into_iter()
        .map(|Item { object, origin, .. }| {
            let (version, kind, name) = (&object["apiVersion"], &object["kind"], &object["metadata"]["name"]);
            let by = value!({"apiVersion": version, "kind": kind, "name": name});
            let origin = value!({"configuredIn": &origin["path"], "configuredBy": by});
            (object, origin)
        })
        .collect())
}

/// Programs are not run.
fn refuse(plugin: &Value) -> Result<(), String> {
    match plugin["apiVersion"].str() {
        "builtin" => Ok(()),
        _ => Err(format!("external plugins disabled; unable to load external plugin '{}'", plugin["kind"].str())),
    }
}

/// Why something built in is not what the field is for.
fn wrong(plugin: &Value, wanted: &str) -> String {
    // The version is taken for the kind's.
    let id = super::resource::Id::of(plugin);
    let kind = id.gvk.kind.as_str();
    match OTHERS.split(' ').chain(GENERATORS).any(|known| kind.strip_suffix("Transformer").unwrap_or(kind) == known) {
        true => format!("plugin {id} not a {wanted}"),
        false => format!("unable to load builtin {kind}.{}.[noGrp]", id.gvk.version),
    }
}

/// Runs the generators of a kustomization.
///
/// # Errors
/// kustomize's words.
pub(super) fn generators(
    world: &mut World<'_>,
    loader: &Loader,
    kustomization: &Value,
    items: &mut Items,
) -> Result<(), String> {
    let plugins = configured(world, loader, kustomization, "generators")
        .map_err(|why| format!("loading generator plugins: {why}"))?;
    for (plugin, origin) in plugins {
        let failed = |why: String| format!("loading generator plugins: failed to load generator: {why}");
        refuse(&plugin).map_err(failed)?;
        let kind = match plugin["kind"].str() {
            "ConfigMapGenerator" => "ConfigMap",
            "SecretGenerator" => "Secret",
            _ => return Err(failed(wrong(&plugin, "generator"))),
        };
        let mut entry = plugin.clone();
        for field in ["name", "namespace"] {
            if !plugin["metadata"][field].is_null() {
                entry.set(field, &plugin["metadata"][field]);
            }
        }
        generate::one(kind, &entry, &Value::Null, origin, world, loader, items)?;
    }
    Ok(())
}

/// Runs the transformers of a kustomization.
///
/// # Errors
/// kustomize's words.
pub(super) fn transformers(
    world: &mut World<'_>,
    loader: &Loader,
    kustomization: &Value,
    items: &mut Items,
) -> Result<(), String> {
    let plugins = configured(world, loader, kustomization, "transformers")?;
    plugins.iter().try_for_each(|(plugin, _)| refuse(plugin))?;
    for (plugin, origin) in &plugins {
        run(plugin, world, loader, items)?;
        if world.annotated {
            transform::note(items, origin, 1);
        }
    }
    Ok(())
}

/// Runs the validators of a kustomization: transformers that must change nothing.
///
/// # Errors
/// kustomize's words.
pub(super) fn validators(
    world: &mut World<'_>,
    loader: &Loader,
    kustomization: &Value,
    items: &mut Items,
) -> Result<(), String> {
    let plugins = configured(world, loader, kustomization, "validators")?;
    plugins.iter().try_for_each(|(plugin, _)| refuse(plugin))?;
    for (plugin, _) in &plugins {
        let before = items.clone();
        run(plugin, world, loader, items)?;
        let changed = before.iter().zip(items.iter()).find(|(old, new)| old.object != new.object);
        let changed = changed.map(|(old, new)| {
            let [old, new] = [old, new].map(|item| drydock_value::to_json(&item.object));
            format!("nodes unequal: \n -- {old},\n -- {new}\n")
        });
        let count = (before.len() != items.len())
            .then(|| format!("lists have different number of entries: {} != {}", before.len(), items.len()));
        if let Some(why) = count.or(changed) {
            return Err(format!("validator shouldn't modify the resource map: {why}"));
        }
    }
    Ok(())
}

fn run(plugin: &Value, world: &mut World<'_>, loader: &Loader, items: &mut Items) -> Result<(), String> {
    let specs = &plugin["fieldSpecs"];
    let lay = |items: &mut Items, pairs: &Value| {
        for item in items {
            fields::visit_specs(&mut item.object, specs, &mut |map| transform::lay(map, pairs));
        }
    };
    match plugin["kind"].str() {
        "PrefixSuffixTransformer" | "PrefixTransformer" | "SuffixTransformer" => {
            transform::affix_specs(plugin["prefix"].str(), plugin["suffix"].str(), specs, items);
        }
        "LabelTransformer" => lay(items, &plugin["labels"]),
        "AnnotationsTransformer" => lay(items, &plugin["annotations"]),
        "NamespaceTransformer" => {
            let namespace = [&plugin["metadata"]["namespace"], &plugin["namespace"]];
            let namespace = namespace.iter().map(|text| text.str()).find(|text| !text.is_empty()).unwrap_or("");
            transform::namespace(namespace, items)?;
        }
        "ImageTagTransformer" => {
            for item in items.iter_mut() {
                transform::images(&mut item.object, &plugin["imageTag"]);
                transform::image_specs(&mut item.object, specs, &plugin["imageTag"]);
            }
        }
        "ReplicaCountTransformer" => {
            let replica = &plugin["replica"];
            for item in items.iter_mut() {
                if item.ids().iter().any(|id| id.name == replica["name"].str()) {
                    fields::visit_specs(&mut item.object, specs, &mut |count| *count = replica["count"].clone());
                }
            }
        }
        "PatchTransformer" => patch::run(plugin, world, loader, items)?,
        "PatchJson6902Transformer" => {
            let mut entry = plugin.clone();
            if !plugin["jsonOp"].is_null() {
                entry.set("patch", &plugin["jsonOp"]);
            }
            patch::json6902(&entry, world, loader, items)?;
        }
        "PatchStrategicMergeTransformer" => {
            let paths = plugin["paths"].items().iter().map(|path| path.str().to_owned());
            let inline = Some(plugin["patches"].str().to_owned()).filter(|text| !text.is_empty());
            for text in paths.chain(inline) {
                patch::strategic_file(&text, world, loader, items)?;
            }
        }
        "ReplacementTransformer" => {
            replace::all(&plugin["replacements"], world, loader, items)?;
        }
        "LegacyOrderTransformer" => {
            resource::in_order(items, &Value::Null)?;
        }
        "SortOrderTransformer" => resource::in_order(items, &plugin["sortOptions"])?,
        _ => return Err(wrong(plugin, "transformer")),
    }
    Ok(())
}
