//! What may stand in a kustomization.

use drydock_value::Value;

/// The fields, and those of what lies in them.
const FIELDS: &[(&str, &str)] = &[
    (
        "",
        "apiVersion kind metadata openapi namePrefix nameSuffix namespace commonLabels labels commonAnnotations patchesStrategicMerge patchesJson6902 patches images imageTags replacements replicas vars sortOptions resources components crds bases configMapGenerator secretGenerator helmGlobals helmCharts helmChartInflationGenerator generatorOptions configurations generators transformers validators buildMetadata",
    ),
    ("images", "name newName tagSuffix newTag digest"),
    ("imageTags", "name newName tagSuffix newTag digest"),
    ("replicas", "name count"),
    ("labels", "pairs includeSelectors includeTemplates fields"),
    ("patches", "path patch target options"),
    ("patchesJson6902", "path patch target options"),
    ("configMapGenerator", "namespace name behavior env envs files literals options"),
    ("secretGenerator", "namespace name behavior env envs files literals options type"),
    ("generatorOptions", "labels annotations disableNameSuffixHash immutable"),
    (
        "options",
        "labels annotations disableNameSuffixHash immutable allowNameChange allowKindChange delimiter index create encoding",
    ),
    ("target", "group version kind name namespace labelSelector annotationSelector"),
    ("replacements", "path source sourceValue targets"),
    ("sortOptions", "order legacySortOptions"),
];

/// Fields that hold text and nothing else.
const TEXTS: &[(&str, &str)] = &[
    ("Image.images", "newTag"),
    ("Image.images", "newName"),
    ("Image.images", "digest"),
    ("Image.images", "name"),
    ("Kustomization", "namePrefix"),
    ("Kustomization", "nameSuffix"),
    ("Kustomization", "namespace"),
];

/// Lists, and what Go calls them.
const LISTS: [(&str, &str); 8] = [
    ("resources", "[]string"),
    ("components", "[]string"),
    ("patches", "[]types.Patch"),
    ("images", "[]types.Image"),
    ("labels", "[]types.Label"),
    ("replicas", "[]types.Replica"),
    ("configMapGenerator", "[]types.ConfigMapArgs"),
    ("secretGenerator", "[]types.SecretArgs"),
];

/// Maps whose values are text and nothing else.
const MAPS: [&str; 2] = ["commonLabels", "commonAnnotations"];

/// What is not done here, rather than passed over.
const UNSUPPORTED: &[&str] = &["validators"];

/// Whether every field is known and holds what it should. Answers it with the fields' names as they should be: any
/// capitals do.
///
/// # Errors
/// kustomize's words.
pub(super) fn check(kustomization: &Value, root: &str) -> Result<Value, String> {
    let invalid = |why: String| format!("invalid Kustomization: {why}");
    if kustomization.as_object().is_none() {
        let kind = word(kustomization);
        return Err(invalid(format!("json: cannot unmarshal {kind} into Go value of type types.Kustomization")));
    }
    let mut spelled = known("", kustomization).map_err(invalid)?;
    for (field, of) in LISTS.into_iter().chain(MAPS.map(|field| (field, "map[string]string"))) {
        let value = &spelled[field];
        let fits = if of.starts_with("map") { value.as_object().is_some() } else { value.as_array().is_some() };
        if !value.is_null() && !fits {
            let kind = word(value);
            return Err(invalid(format!(
                "json: cannot unmarshal {kind} into Go struct field Kustomization.{field} of type {of}"
            )));
        }
    }
    let fields: Vec<String> = spelled.entries().map(|(field, _)| field.to_owned()).collect();
    for field in fields {
        let value = known(&field, &spelled[field.as_str()]).map_err(invalid)?;
        spelled.set(&field, value);
    }
    let kustomization = &spelled;
    for (owner, field) in TEXTS {
        let holders = match owner.split_once('.') {
            Some((_, list)) => kustomization[list].items(),
            None => std::slice::from_ref(kustomization),
        };
        for holder in holders {
            let Some(kind) = other_than_text(&holder[*field]) else { continue };
            let place = owner.split_once('.').map_or((*owner).to_owned(), |(name, list)| format!("{name}.{list}"));
            return Err(invalid(format!(
                "json: cannot unmarshal {kind} into Go struct field {place}.{field} of type string"
            )));
        }
    }
    for field in MAPS {
        if let Some(kind) = kustomization[field].entries().find_map(|(_, value)| other_than_text(value)) {
            return Err(invalid(format!(
                "json: cannot unmarshal {kind} into Go struct field Kustomization.{field} of type string"
            )));
        }
    }
    let labels = kustomization["labels"].items().iter();
    let pair = labels.flat_map(|label| label["pairs"].entries()).find_map(|(_, value)| other_than_text(value));
    if let Some(kind) = pair {
        return Err(invalid(format!(
            "json: cannot unmarshal {kind} into Go struct field Label.labels.pairs of type string"
        )));
    }
    let (version, kind) = (kustomization["apiVersion"].str(), kustomization["kind"].str());
    let mut wrong = Vec::new();
    if !matches!(kind, "" | "Kustomization" | "Component") {
        wrong.push("kind should be Kustomization or Component".to_owned());
    }
    let wanted = if kind == "Component" { "v1alpha1" } else { "v1beta1" };
    if !version.is_empty() && version != format!("kustomize.config.k8s.io/{wanted}") {
        let kind = if kind.is_empty() { "Kustomization" } else { kind };
        wrong.push(format!("apiVersion for {kind} should be kustomize.config.k8s.io/{wanted}"));
    }
    if !wrong.is_empty() {
        return Err(format!("Failed to read kustomization file under {root}:\n{}", wrong.join("\n")));
    }
    match UNSUPPORTED.iter().find(|field| !kustomization[**field].is_empty()) {
        Some(field) => Err(format!("{field} is not supported")),
        None => Ok(spelled),
    }
}

/// What JSON calls a value.
fn word(value: &Value) -> &'static str {
    other_than_text(value).unwrap_or("string")
}

/// What JSON calls a value that is no text.
fn other_than_text(value: &Value) -> Option<&'static str> {
    Some(match value {
        Value::Int(_) | Value::Float(_) => "number",
        Value::Bool(_) => "bool",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        _ => return None,
    })
}

/// What lies in a field, with the names of its own fields as they should be.
fn known(field: &str, value: &Value) -> Result<Value, String> {
    let Some((_, fields)) = FIELDS.iter().find(|row| row.0 == field) else { return Ok(value.clone()) };
    if let Value::Array(items) = value {
        return items.iter().map(|item| known(field, item)).collect();
    }
    if value.as_object().is_none() {
        return Ok(value.clone());
    }
    let mut out = Value::object();
    for (name, inner) in value.entries() {
        let found = fields.split(' ').find(|known| known.eq_ignore_ascii_case(name));
        let name = found.ok_or_else(|| format!("json: unknown field {name:?}"))?;
        let inner = if matches!(name, "options" | "target") { known(name, inner)? } else { inner.clone() };
        out.set(name, inner);
    }
    Ok(out)
}

/// Warnings about fields that others replaced.
pub(super) fn deprecations(kustomization: &Value) -> impl Iterator<Item = String> {
    [
        ("bases", "resources"),
        ("commonLabels", "labels"),
        ("imageTags", "images"),
        ("patchesJson6902", "patches"),
        ("patchesStrategicMerge", "patches"),
        ("vars", "replacements"),
    ]
    .into_iter()
    .filter(|(old, _)| !kustomization[*old].is_null())
    .map(|(old, new)| {
        let note = if old == "vars" { "[EXPERIMENTAL] " } else { "" };
        format!("# Warning: '{old}' is deprecated. Please use '{new}' instead. {note}Run 'kustomize edit fix' to update your Kustomization automatically.")
    })
}
