//! `configurations` and `crds`: fields of kinds of one's own that the transformers act upon too.

use drydock_value::{Value, value};

use super::load::{Loader, World};

/// The lists of fields that a configuration may have.
const LISTS: &str = "namePrefix nameSuffix namespace commonLabels labels templateLabels commonAnnotations nameReference varReference images replicas";

/// Reads what a kustomization configures: lists of fields by the transformer that acts upon them.
///
/// # Errors
/// kustomize's words.
pub(super) fn read(kustomization: &Value, world: &mut World<'_>, loader: &Loader) -> Result<Value, String> {
    let mut config = Value::object();
    for path in kustomization["configurations"].items() {
        let bytes = loader.load(world, path.str())?;
        let text = String::from_utf8_lossy(&bytes);
        let given = drydock_yaml::parse_one(&text).map_err(|error| error.to_string())?;
        for (list, rows) in given.entries() {
            if !LISTS.split(' ').any(|known| known == list) {
                return Err(format!("error unmarshaling JSON: while decoding JSON: json: unknown field {list:?}"));
            }
            // Names are affixed anyway, and once.
            let usual = |row: &&Value| list.starts_with("name") && row["path"].str() == "metadata/name";
            rows.items().iter().filter(|row| !usual(row)).for_each(|row| config[list].push(row.clone()));
        }
    }
    let crds = &kustomization["crds"];
    for path in crds.items() {
        let types = definitions(world, loader, path.str()).map_err(|why| {
            let paths: Vec<&str> = crds.items().iter().map(Value::str).collect();
            format!("loading CRDs [{}]: {why}", paths.join(" "))
        })?;
        for (name, _) in types.entries() {
            let properties = properties(&types, name);
            if ["kind", "apiVersion", "metadata"].iter().all(|field| properties.get(field).is_some()) {
                let kind = name.rsplit('.').next().unwrap_or(name).to_owned();
                follow(&types, name, &kind, &mut Vec::new(), &mut config);
            }
        }
    }
    for (list, all) in [("nameReference", &mut world.references), ("varReference", &mut world.var_fields)] {
        all.extend(config[list].items().iter().cloned());
    }
    Ok(config)
}

/// The types that a file of `crds` defines.
fn definitions(world: &mut World<'_>, loader: &Loader, path: &str) -> Result<Value, String> {
    let bytes = loader.load(world, path)?;
    let parsed = drydock_yaml::parse_one(&String::from_utf8_lossy(&bytes)).map_err(|error| error.to_string());
    let decoded = parsed.and_then(|types| {
        let wrong = match types.as_object() {
            None => Some((&types, "nameToApiMap")).filter(|_| !types.is_null()),
            Some(map) => {
                let other = map.values().find(|of| of.as_object().is_none() && !of.is_null());
                other.map(|of| (of, "OpenAPIDefinition"))
            }
        };
        let Some((value, of)) = wrong else { return Ok(types.clone()) };
        let kind = super::checks::word(value);
        let words = "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal";
        Err(format!("{words} {kind} into Go value of type accumulator.{of}"))
    });
    decoded.map_err(|why| format!("unable to parse open API definition from '{path}': {why}"))
}

/// The properties of a type; the schema is spelled in Go's way or in JSON's.
fn properties<'a>(types: &'a Value, name: &str) -> &'a Value {
    let schema = &types[name]["Schema"];
    &(if schema.is_null() { &types[name]["schema"] } else { schema })["properties"]
}

/// Notes what the properties of a type say of themselves, and of the types that they have.
fn follow(types: &Value, name: &str, kind: &str, path: &mut Vec<String>, config: &mut Value) {
    for (field, property) in properties(types, name).entries() {
        path.push(field.to_owned());
        let spec = |path: &[String]| value!({"kind": kind, "path": path.join("/"), "create": false});
        for (mark, list) in [
            ("x-kubernetes-annotation", "commonAnnotations"),
            ("x-kubernetes-label-selector", "commonLabels"),
            ("x-kubernetes-identity", "namePrefix"),
        ] {
            if property.get(mark).is_some() {
                config[list].push(spec(path));
            }
        }
        let (version, target) =
            (&property["x-kubernetes-object-ref-api-version"], &property["x-kubernetes-object-ref-kind"]);
        if !version.is_null() && !target.is_null() {
            let key = property["x-kubernetes-object-ref-name-key"].as_str().unwrap_or("name").to_owned();
            let mut place = path.clone();
            place.push(key);
            config["nameReference"].push(value!({"kind": target, "fieldSpecs": [spec(&place)]}));
        }
        // A type that has itself ends here.
        let inner = property["$ref"].str();
        if !inner.is_empty() && path.len() < 16 {
            follow(types, inner, kind, path, config);
        }
        path.pop();
    }
}
