//! The transformers, in kustomize's order: patches, namespace, prefix and suffix, labels, annotations, JSON patches,
//! replicas, images, replacements.

use drydock_value::{Value, to_json, value};

use super::fields::{self, Row};
use super::load::{Loader, World};
use super::resource::{Item, Items};
use super::{patch, replace};

/// Fields where labels that are selectors too stand.
const SELECTORS: &[Row] = &[
    ("Service ReplicationController", "spec/selector", true),
    ("Deployment ReplicaSet DaemonSet StatefulSet", "spec/selector/matchLabels", true),
    ("Job PodDisruptionBudget", "spec/selector/matchLabels", false),
    ("CronJob", "spec/jobTemplate/spec/selector/matchLabels", false),
    ("NetworkPolicy", "spec/podSelector/matchLabels", false),
    ("NetworkPolicy", "spec/ingress/from/podSelector/matchLabels", false),
    ("NetworkPolicy", "spec/egress/to/podSelector/matchLabels", false),
    ("Deployment StatefulSet", "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels", false),
];

/// Terms of affinity, below the pods' spec.
const AFFINITY: [&str; 2] = [
    "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
];

/// Labels of what templates make.
const TEMPLATE_LABELS: &[Row] = &[
    ("Deployment ReplicaSet DaemonSet StatefulSet ReplicationController Job", "spec/template/metadata/labels", true),
    ("StatefulSet", "spec/volumeClaimTemplates[]/metadata/labels", true),
    ("CronJob", "spec/jobTemplate/metadata/labels", true),
    ("CronJob", "spec/jobTemplate/spec/template/metadata/labels", true),
];

const LABELS: &[Row] = &[("", "metadata/labels", true)];

const ANNOTATIONS: &[Row] = &[
    ("", "metadata/annotations", true),
    (
        "Deployment ReplicaSet DaemonSet StatefulSet ReplicationController Job",
        "spec/template/metadata/annotations",
        true,
    ),
    ("CronJob", "spec/jobTemplate/metadata/annotations", true),
    ("CronJob", "spec/jobTemplate/spec/template/metadata/annotations", true),
];

const REPLICAS: &[Row] = &[("Deployment ReplicaSet StatefulSet ReplicationController", "spec/replicas", true)];

const IMAGES: &[Row] = &[
    ("", "spec/containers[]/image", false),
    ("", "spec/initContainers[]/image", false),
    ("", "spec/template/spec/containers[]/image", false),
    ("", "spec/template/spec/initContainers[]/image", false),
];

/// Kinds whose names no layer changes.
const FIXED_NAMES: [&str; 3] = ["CustomResourceDefinition", "APIService", "Namespace"];

/// Runs the transformers of one layer.
///
/// # Errors
/// kustomize's words.
pub(super) fn run(
    layer: &Value,
    config: &Value,
    world: &mut World<'_>,
    loader: &Loader,
    items: &mut Items,
) -> Result<(), String> {
    for text in layer["patchesStrategicMerge"].items() {
        patch::strategic_file(text.str(), world, loader, items)?;
    }
    for entry in layer["patches"].items() {
        patch::run(entry, world, loader, items)?;
    }
    namespace(layer["namespace"].str(), items)?;
    let (prefix, suffix) = (layer["namePrefix"].str(), layer["nameSuffix"].str());
    affix(prefix, suffix, items);
    affix_specs(prefix, "", &config["namePrefix"], items);
    affix_specs("", suffix, &config["nameSuffix"], items);
    for entry in layer["labels"].items() {
        let (selectors, templates) = (entry["includeSelectors"].is_true(), entry["includeTemplates"].is_true());
        for item in items.iter_mut() {
            put(&mut item.object, LABELS, &entry["pairs"]);
            if selectors || templates {
                put(&mut item.object, TEMPLATE_LABELS, &entry["pairs"]);
            }
            if selectors {
                select(&mut item.object, &entry["pairs"]);
                fields::visit_specs(&mut item.object, &config["commonLabels"], &mut |map| lay(map, &entry["pairs"]));
            }
            fields::visit_specs(&mut item.object, &config["labels"], &mut |map| lay(map, &entry["pairs"]));
            fields::visit_specs(&mut item.object, &entry["fields"], &mut |map| lay(map, &entry["pairs"]));
        }
    }
    for item in items.iter_mut() {
        let common = &layer["commonLabels"];
        if !common.is_empty() {
            put(&mut item.object, LABELS, common);
            put(&mut item.object, TEMPLATE_LABELS, common);
            select(&mut item.object, common);
            fields::visit_specs(&mut item.object, &config["commonLabels"], &mut |map| lay(map, common));
        }
        let notes = &layer["commonAnnotations"];
        put(&mut item.object, ANNOTATIONS, notes);
        if !notes.is_empty() {
            fields::visit_specs(&mut item.object, &config["commonAnnotations"], &mut |map| lay(map, notes));
        }
    }
    for entry in layer["patchesJson6902"].items() {
        patch::json6902(entry, world, loader, items)?;
    }
    for entry in layer["replicas"].items() {
        replicas(entry, &config["replicas"], items)?;
    }
    for field in ["images", "imageTags"] {
        for entry in layer[field].items() {
            for item in items.iter_mut() {
                images(&mut item.object, entry);
                // The usual fields are visited once more: a suffix comes twice.
                fields::visit_rows(&mut item.object, IMAGES, &mut |image| retag(image, entry));
                image_specs(&mut item.object, &config["images"], entry);
            }
        }
    }
    replace::all(&layer["replacements"], world, loader, items)?;
    if world.annotated {
        annotate(layer, loader, items);
    }
    Ok(())
}

/// What the fields that are annotated are done by, in their order; a star stands for one transformer for each item.
const TRANSFORMERS: [(&str, &str); 11] = [
    ("patchesStrategicMerge", "PatchStrategicMerge"),
    ("patches*", "Patch"),
    ("namespace", "Namespace"),
    ("namePrefix", "Prefix"),
    ("nameSuffix", "Suffix"),
    ("labels*", "Label"),
    ("commonAnnotations", "Annotations"),
    ("patchesJson6902*", "PatchJson6902"),
    ("replicas*", "ReplicaCount"),
    ("images*", "ImageTag"),
    ("replacements", "Replacement"),
];

/// Notes on objects what the layer did to them.
fn annotate(layer: &Value, loader: &Loader, items: &mut Items) {
    for (field, kind) in TRANSFORMERS {
        let value = &layer[field.trim_end_matches('*')];
        let mut times = if field.ends_with('*') { value.items().len() } else { usize::from(!value.is_empty()) };
        // There is one for the common labels whenever there is one for others.
        if kind == "Label" && (times > 0 || !layer["commonLabels"].is_empty()) {
            times += 1;
        }
        let origin = value!({
            "configuredIn": loader.relative("kustomization.yaml"),
            "configuredBy": {"apiVersion": "builtin", "kind": format!("{kind}Transformer")}
        });
        note(items, &origin, times);
    }
}

/// Notes on objects what transformed them.
pub(super) fn note(items: &mut Items, origin: &Value, times: usize) {
    let text = format!("- {}", super::resource::origin_text(origin, "  ")).repeat(times);
    items.iter_mut().for_each(|item| item.transformations.push_str(&text));
}

/// Lays pairs over a map.
pub(super) fn lay(map: &mut Value, pairs: &Value) {
    for (key, text) in pairs.entries() {
        map.set(key, text);
    }
}

fn put(object: &mut Value, rows: &[Row], pairs: &Value) {
    if !pairs.is_empty() {
        fields::visit_rows(object, rows, &mut |map| lay(map, pairs));
    }
}

fn select(object: &mut Value, pairs: &Value) {
    put(object, SELECTORS, pairs);
    if matches!(object["kind"].str(), "Deployment" | "StatefulSet") {
        for kind in ["podAffinity", "podAntiAffinity"] {
            for rest in AFFINITY {
                let path = format!("spec/template/spec/affinity/{kind}/{rest}");
                fields::visit(object, &path, false, &mut |map| lay(map, pairs));
            }
        }
    }
}

pub(super) fn namespace(namespace: &str, items: &mut Items) -> Result<(), String> {
    if namespace.is_empty() {
        return Ok(());
    }
    for item in items.iter_mut() {
        let id = item.id();
        item.remember();
        if id.gvk.kind == "Namespace" && id.gvk.group.is_empty() {
            item.object["metadata"].set("name", namespace);
        } else if id.is_namespaced() {
            item.object["metadata"].set("namespace", namespace);
        }
        match id.gvk.kind.as_str() {
            // Others follow their objects; of the default account every namespace has its own.
            "RoleBinding" | "ClusterRoleBinding" => {
                fields::visit(&mut item.object, "subjects", false, &mut |subject| {
                    if subject["kind"].str() == "ServiceAccount" && subject["name"].str() == "default" {
                        subject.set("namespace", namespace);
                    }
                })
            }
            "APIService" => fields::visit(&mut item.object, "spec/service/namespace", false, &mut |text| {
                *text = namespace.into();
            }),
            "CustomResourceDefinition" => {
                let path = "spec/conversion/webhook/clientConfig/service/namespace";
                fields::visit(&mut item.object, path, false, &mut |text| *text = namespace.into());
            }
            _ => {}
        }
    }
    for item in items.iter() {
        let id = item.id();
        let twins: Vec<&Item> = items.iter().filter(|other| other.id().same(&id)).collect();
        if twins.len() > 1 {
            let twins: Vec<String> = twins.iter().map(|item| to_json(&item.annotated())).collect();
            return Err(format!("namespace transformation produces ID conflict: [{}]", twins.join(" ")));
        }
    }
    Ok(())
}

fn affix(prefix: &str, suffix: &str, items: &mut Items) {
    if prefix.is_empty() && suffix.is_empty() {
        return;
    }
    for item in items {
        let id = item.id();
        if FIXED_NAMES.contains(&id.gvk.kind.as_str()) {
            continue;
        }
        item.remember();
        item.object["metadata"].set("name", format!("{prefix}{}{suffix}", id.name));
        if !prefix.is_empty() {
            item.prefixes.push(prefix.to_owned());
        }
        if !suffix.is_empty() {
            item.suffixes.push(suffix.to_owned());
        }
    }
}

/// Puts texts before and behind what the fields hold that somebody names.
pub(super) fn affix_specs(prefix: &str, suffix: &str, specs: &Value, items: &mut Items) {
    if specs.is_empty() {
        return;
    }
    for item in items.iter_mut() {
        let before = item.object.clone();
        fields::visit_specs(&mut item.object, specs, &mut |text| {
            *text = format!("{prefix}{}{suffix}", text.str()).into();
        });
        if before["metadata"]["name"] != item.object["metadata"]["name"] {
            let after = std::mem::replace(&mut item.object, before);
            item.remember();
            item.object = after;
        }
    }
}

/// Sets images in the fields that somebody names.
pub(super) fn image_specs(object: &mut Value, specs: &Value, entry: &Value) {
    fields::visit_specs(object, specs, &mut |image| retag(image, entry));
}

fn retag(image: &mut Value, entry: &Value) {
    if let Some(new) = image.as_str().and_then(|image| new_image(image, entry)) {
        *image = new.into();
    }
}

fn replicas(entry: &Value, specs: &Value, items: &mut Items) -> Result<(), String> {
    let name = entry["name"].str();
    let mut found = false;
    for item in items.iter_mut() {
        if item.ids().iter().any(|id| id.name == name) {
            fields::visit_rows(&mut item.object, REPLICAS, &mut |count| {
                *count = entry["count"].int().into();
                found = true;
            });
            fields::visit_specs(&mut item.object, specs, &mut |count| {
                *count = entry["count"].int().into();
                found = true;
            });
        }
    }
    if found {
        return Ok(());
    }
    let kinds = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"];
    let kinds = kinds.map(|kind| format!("{kind}.[noVer].[noGrp]"));
    Err(format!("resource with name {name} does not match a config with the following GVK [{}]", kinds.join(" ")))
}

/// Sets images by their names, wherever an object has containers.
pub(super) fn images(value: &mut Value, entry: &Value) {
    if value["kind"].str() == "CustomResourceDefinition" {
        return;
    }
    match value {
        Value::Array(_) => value.items_mut().iter_mut().for_each(|item| images(item, entry)),
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                if matches!(key, "containers" | "initContainers") && inner.as_array().is_some() {
                    for container in inner.items_mut() {
                        if let Some(new) = container["image"].as_str().and_then(|image| new_image(image, entry)) {
                            container.set("image", new);
                        }
                    }
                }
                images(inner, entry);
            }
        }
        _ => {}
    }
}

/// What becomes of an image: None when its name is another.
fn new_image(image: &str, entry: &Value) -> Option<String> {
    let (rest, digest) = image.split_once('@').map_or((image, ""), |(rest, digest)| (rest, digest));
    // A colon before the last slash belongs to a port.
    let (name, tag) = match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (rest, ""),
    };
    let wanted = entry["name"].str();
    // Names are patterns, though few use them as such.
    let pattern = || {
        let tail = "(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$";
        regex_lite::Regex::new(&format!("^{wanted}{tail}")).is_ok_and(|pattern| pattern.is_match(image))
    };
    if name != wanted && !(wanted.contains(|c| "*.+?[](){}|^$\\".contains(c)) && pattern()) {
        return None;
    }
    let text = |field: &str| entry[field].str();
    let name = if text("newName").is_empty() { name } else { text("newName") };
    let suffix = text("tagSuffix");
    let tagged = |tag: &str| if tag.is_empty() { name.to_owned() } else { format!("{name}:{tag}") };
    Some(match (text("newTag"), text("digest")) {
        ("", "") if !suffix.is_empty() => tagged(&format!("{tag}{suffix}")),
        ("", "") if digest.is_empty() => tagged(tag),
        ("", "") => format!("{}@{digest}", tagged(tag)),
        (new, "") => tagged(new),
        ("", digest) => format!("{name}@{digest}"),
        (new, digest) => format!("{}@{digest}", tagged(new)),
    })
}

/// The hash that a generated object's name ends with: over its content, not its name.
pub(super) fn hash(object: &Value) -> String {
    let mut content = match object["kind"].str() {
        kind @ ("ConfigMap" | "Secret") => {
            let data = if object["data"].is_null() { Value::from("") } else { object["data"].clone() };
            value!({"kind": kind, "name": "", "data": data})
        }
        _ => return crate::commands::create::sources::hash(object),
    };
    for field in ["type", "binaryData", "stringData"] {
        if !object[field].is_null() {
            content.set(field, &object[field]);
        }
    }
    crate::commands::create::sources::hash(&content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_by_name() {
        for (image, entry, want) in [
            ("nginx", value!({"name": "nginx", "newTag": "1.27"}), Some("nginx:1.27")),
            ("nginx:1@sha256:ab", value!({"name": "nginx", "newTag": "2"}), Some("nginx:2")),
            ("nginx:1", value!({"name": "nginx", "digest": "sha256:cd"}), Some("nginx@sha256:cd")),
            ("r:5000/nginx:1", value!({"name": "r:5000/nginx", "newName": "x"}), Some("x:1")),
            ("r:5000/nginx", value!({"name": "nginx", "newName": "x"}), None),
            ("nginx:1", value!({"name": "nginx", "tagSuffix": "-b"}), Some("nginx:1-b")),
            ("nginx:1", value!({"name": "ngin.", "newTag": "2"}), Some("nginx:2")),
            ("r/nginx:1", value!({"name": ".*/nginx", "newName": "x"}), Some("x:1")),
            ("nginx:1", value!({"name": "[", "newTag": "2"}), None),
        ] {
            assert_eq!(new_image(image, &entry).as_deref(), want, "{image}");
        }
    }
}
