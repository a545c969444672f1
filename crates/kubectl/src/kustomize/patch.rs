//! `patches`, `patchesStrategicMerge` and `patchesJson6902`.

use drydock_value::{Value, value};

use super::load::{self, Loader, World};
use super::merge;
use super::resource::{self, Id, Item, Items};
use super::select::Target;

enum Patch {
    Strategic(Vec<Value>),
    Json(Value),
}

/// An entry of `patches` or `patchesJson6902`.
///
/// # Errors
/// kustomize's words.
pub(super) fn run(entry: &Value, world: &mut World<'_>, loader: &Loader, items: &mut Items) -> Result<(), String> {
    let patch = read(entry, world, loader).map_err(|why| {
        let config = drydock_yaml::to_yaml(entry);
        format!("trouble configuring builtin PatchTransformer with config: `\n{config}`: {why}")
    })?;
    let target = if entry["target"].is_null() { None } else { Some(Target::read(&entry["target"])?) };
    match (patch, target) {
        (Patch::Json(_), None) => Err(format!("must specify a target for JSON patch {}", source(entry))),
        (Patch::Json(patch), Some(target)) => {
            for item in items.iter_mut().filter(|item| target.matches(item)) {
                let patched = drydock_schema::patch::json_patch(&item.object, &patch).map_err(|why| why.to_string())?;
                settle(item, patched, &entry["options"]);
            }
            Ok(())
        }
        (Patch::Strategic(patches), None) => {
            patches.iter().try_for_each(|patch| strategic(patch, &entry["options"], items))
        }
        (Patch::Strategic(patches), Some(target)) => {
            if patches.len() > 1 {
                let words = "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field";
                return Err(format!("{words}: {}", source(entry)));
            }
            for patch in &patches {
                let places = (0..items.len()).filter(|at| target.matches(&items[*at])).collect();
                lay(patch, places, &entry["options"], items);
            }
            Ok(())
        }
    }
}

/// An entry of `patchesJson6902`.
///
/// # Errors
/// kustomize's words.
pub(super) fn json6902(entry: &Value, world: &mut World<'_>, loader: &Loader, items: &mut Items) -> Result<(), String> {
    let patch = operations(entry, world, loader).map_err(|why| {
        let mut config = entry.clone();
        if !entry["patch"].is_null() {
            config.remove("patch");
            config.set("jsonOp", &entry["patch"]);
        }
        let config = drydock_yaml::to_yaml(&config);
        format!("trouble configuring builtin PatchJson6902Transformer with config: `\n{config}`: {why}")
    })?;
    let mut entry = entry.clone();
    entry.remove("path");
    entry.set("patch", drydock_value::to_json(&patch));
    run(&entry, world, loader, items)
}

/// The operations of a JSON patch. What begins as JSON is nothing else.
fn operations_of(text: &str) -> Result<Value, String> {
    if text.starts_with('[') {
        let wrong = |why: String| format!("decoding {text}: {why}");
        let patch: Value = drydock_value::parse_json(text).map_err(|why| wrong(why.to_string()))?;
        return match patch.items().iter().find(|item| item.as_object().is_none()) {
            Some(item) => {
                let kind = super::checks::word(item);
                Err(wrong(format!("json: cannot unmarshal {kind} into Go value of type jsonpatch.Operation")))
            }
            None => Ok(patch),
        };
    }
    drydock_yaml::parse_one(text).map_err(|error| error.to_string())
}

/// The operations that an entry of `patchesJson6902` names.
fn operations(entry: &Value, world: &mut World<'_>, loader: &Loader) -> Result<Value, String> {
    let (path, inline) = (entry["path"].str(), entry["patch"].str());
    if entry["target"]["name"].is_empty() {
        return Err("must specify the target name".into());
    }
    let text = match (path.is_empty(), inline.is_empty()) {
        (true, true) => return Err("must specify a file path or a json operation".into()),
        (false, false) => return Err("must specify a file path or jsonOp, not both".into()),
        (true, false) => inline.to_owned(),
        (false, true) => String::from_utf8_lossy(&loader.load(world, path)?).into_owned(),
    };
    if text.is_empty() {
        return Err(format!("patch file '{path}' empty seems to be empty"));
    }
    let patch = operations_of(&text)?;
    let json = drydock_value::to_json(&patch);
    match patch.as_array() {
        Some([]) => Err(format!("patch appears to be empty; file={path}, JsonOp={json}")),
        Some(_) => Ok(patch),
        None => {
            let kind = super::checks::word(&patch);
            Err(format!("decoding {json}: json: cannot unmarshal {kind} into Go value of type jsonpatch.Patch"))
        }
    }
}

/// An entry of `patchesStrategicMerge`: a file, or the patch itself.
///
/// # Errors
/// kustomize's words.
pub(super) fn strategic_file(
    text: &str,
    world: &mut World<'_>,
    loader: &Loader,
    items: &mut Items,
) -> Result<(), String> {
    let inline = load::documents(text.as_bytes(), "").ok().filter(|objects| !objects.is_empty());
    let patches = match inline {
        Some(patches) => patches,
        None => loader.load(world, text).and_then(|bytes| load::documents(&bytes, text)).map_err(|why| {
            let config = drydock_yaml::to_yaml(&value!({"paths": [text]}));
            format!("trouble configuring builtin PatchStrategicMergeTransformer with config: `\n{config}`: {why}")
        })?,
    };
    patches.iter().try_for_each(|patch| strategic(patch, &Value::Null, items))
}

/// Where a patch stands, as errors say it.
fn source(entry: &Value) -> String {
    let field = if entry["path"].is_empty() { "patch" } else { "path" };
    format!("[{field}: {}]", crate::failure::quote(entry[field].str().trim()))
}

fn read(entry: &Value, world: &mut World<'_>, loader: &Loader) -> Result<Patch, String> {
    let (path, inline) = (entry["path"].str(), entry["patch"].str());
    let text = match (path.is_empty(), inline.is_empty()) {
        (true, true) => {
            return Err("must specify one of patch and path in\n".to_owned() + &drydock_yaml::to_yaml(entry));
        }
        (false, false) => {
            return Err("patch and path can't be set at the same time\n".to_owned() + &drydock_yaml::to_yaml(entry));
        }
        (true, false) => inline.to_owned(),
        (false, true) => {
            let bytes = loader
                .load(world, path)
                .map_err(|why| format!("failed to get the patch file from path({path}): {why}"))?;
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    // An array is a JSON patch, objects are strategic merge patches.
    let text = text.trim();
    if let Ok(operations @ Value::Array(_)) = operations_of(text) {
        return Ok(Patch::Json(operations));
    }
    match load::documents(text.as_bytes(), "") {
        Ok(objects) if !objects.is_empty() => Ok(Patch::Strategic(objects)),
        // With a target, the patch itself needs no name.
        _ => match drydock_yaml::parse(text) {
            Ok(objects) if !entry["target"].is_null() && objects.iter().all(|o| !o["kind"].is_null()) => {
                Ok(Patch::Strategic(objects))
            }
            _ => Err(format!("unable to parse SM or JSON patch from {}", source(entry))),
        },
    }
}

/// Lays a patch over the one object that it names.
fn strategic(patch: &Value, options: &Value, items: &mut Items) -> Result<(), String> {
    let id = Id::of(patch);
    let place = resource::find(items, &id)
        .map_err(|why| format!("no resource matches strategic merge patch \"{id}\": {why}"))?;
    lay(patch, vec![place], options, items);
    Ok(())
}

fn lay(patch: &Value, places: Vec<usize>, options: &Value, items: &mut Items) {
    let mut deleted = Vec::new();
    for place in places {
        match merge::apply(&items[place].object, patch) {
            Some(object) => settle(&mut items[place], object, options),
            None => deleted.push(place),
        }
    }
    for place in deleted.into_iter().rev() {
        items.remove(place);
    }
}

/// Takes a patched object over. Its kind, name and namespace stay, unless the options let them change.
fn settle(item: &mut Item, mut object: Value, options: &Value) {
    let id = item.id();
    item.remember();
    if !options["allowKindChange"].is_true() {
        object.set("kind", id.gvk.kind.as_str());
        object.set("apiVersion", &item.object["apiVersion"]);
    }
    if !options["allowNameChange"].is_true() {
        object["metadata"].set("name", id.name.as_str());
    }
    if !id.namespace.is_empty() {
        object["metadata"].set("namespace", id.namespace.as_str());
    }
    item.object = object;
    if item.previous.last() == Some(&item.id()) {
        item.previous.pop();
    }
}
