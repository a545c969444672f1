//! `transformers` and `generators`: what kustomize has built in, configured by objects.

use drydock_value::Value;

use super::load::{self, Loader, World};
use super::resource::{self, Item, Items};
use super::{fields, generate, patch, replace, transform};

/// The objects that configure a field's plugins: files, folders, or the objects themselves.
fn configured(
    world: &mut World<'_>,
    loader: &Loader,
    kustomization: &Value,
    field: &str,
) -> Result<Vec<Value>, String> {
    let mut items = Items::new();
    for entry in kustomization[field].items() {
        let text = entry.str();
        let inline = load::documents(text.as_bytes(), "").ok().filter(|objects| !objects.is_empty());
        match inline {
            Some(objects) => items.extend(objects.into_iter().map(|object| Item { object, ..Item::default() })),
            None => load::resource_entry(world, loader, text, &mut items)
                .map_err(|why| format!("accumulating resources: {why}"))?,
        }
    }
    Ok(items.into_iter().map(|item| item.object).collect())
}

/// Programs are not run.
fn refuse(plugin: &Value) -> Result<(), String> {
    match plugin["apiVersion"].str() {
        "builtin" => Ok(()),
        _ => Err(format!("external plugins disabled; unable to load external plugin '{}'", plugin["kind"].str())),
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
    for plugin in configured(world, loader, kustomization, "generators")? {
        let failed = |why: String| format!("loading generator plugins: failed to load generator: {why}");
        refuse(&plugin).map_err(failed)?;
        let kind = match plugin["kind"].str() {
            "ConfigMapGenerator" => "ConfigMap",
            "SecretGenerator" => "Secret",
            other => return Err(failed(format!("{other} is not supported"))),
        };
        let mut entry = plugin.clone();
        for field in ["name", "namespace"] {
            if !plugin["metadata"][field].is_null() {
                entry.set(field, &plugin["metadata"][field]);
            }
        }
        generate::one(kind, &entry, &Value::Null, world, loader, items)?;
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
    plugins.iter().try_for_each(refuse)?;
    for plugin in &plugins {
        run(plugin, world, loader, items)?;
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
            patch::run(&entry, world, loader, items)?;
        }
        "PatchStrategicMergeTransformer" => {
            let paths = plugin["paths"].items().iter().map(|path| path.str().to_owned());
            let inline = Some(plugin["patches"].str().to_owned()).filter(|text| !text.is_empty());
            for text in paths.chain(inline) {
                patch::strategic_file(&text, world, loader, items)?;
            }
        }
        "ReplacementTransformer" => {
            for entry in plugin["replacements"].items() {
                replace::run(entry, world, loader, items)?;
            }
        }
        "LegacyOrderTransformer" => {
            resource::in_order(items, &Value::Null)?;
        }
        "SortOrderTransformer" => resource::in_order(items, &plugin["sortOptions"])?,
        other => return Err(format!("{other} is not supported")),
    }
    Ok(())
}
