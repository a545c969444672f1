//! What may stand in a kustomization.

use drydock_value::Value;

/// The types, as Go's structs: their fields with what they hold, text where nothing is said. Before a field's name stand
/// the structs that it is embedded by, as errors name them.
const TYPES: &[(&str, &str)] = &[
    (
        "Kustomization",
        "TypeMeta.apiVersion TypeMeta.kind metadata:types.ObjectMeta openapi:map[string]string namePrefix nameSuffix namespace commonLabels:map[string]string labels:[]types.Label commonAnnotations:map[string]string patchesStrategicMerge:[]types.PatchStrategicMerge patchesJson6902:[]types.Patch patches:[]types.Patch images:[]types.Image imageTags:[]types.Image replacements:[]types.ReplacementField replicas:[]types.Replica vars:[]types.Var sortOptions:types.SortOptions resources:[]string components:[]string crds:[]string bases:[]string configMapGenerator:[]types.ConfigMapArgs secretGenerator:[]types.SecretArgs helmGlobals:types.HelmGlobals helmCharts:[]types.HelmChart helmChartInflationGenerator:[]types.HelmChartArgs generatorOptions:types.GeneratorOptions configurations:[]string generators:[]string transformers:[]string validators:[]string buildMetadata:[]string",
    ),
    ("ObjectMeta", "name namespace labels:map[string]string annotations:map[string]string"),
    ("Label", "pairs:map[string]string includeSelectors:bool includeTemplates:bool fields:[]types.FieldSpec"),
    ("FieldSpec", "Gvk.group Gvk.version Gvk.kind path create:bool"),
    ("Patch", "path patch target:types.Selector options:types.PatchArgs"),
    ("PatchArgs", "allowNameChange:bool allowKindChange:bool"),
    (
        "Selector",
        "ResId.Gvk.group ResId.Gvk.version ResId.Gvk.kind ResId.name ResId.namespace labelSelector annotationSelector",
    ),
    ("Image", "name newName tagSuffix newTag digest"),
    (
        "ReplacementField",
        "path Replacement.source:types.SourceSelector Replacement.sourceValue Replacement.targets:[]*types.TargetSelector",
    ),
    (
        "SourceSelector",
        "ResId.Gvk.group ResId.Gvk.version ResId.Gvk.kind ResId.name ResId.namespace fieldPath options:types.FieldOptions",
    ),
    ("TargetSelector", "select:types.Selector reject:[]*types.Selector fieldPaths:[]string options:types.FieldOptions"),
    ("FieldOptions", "delimiter index:int encoding create:bool"),
    ("Replica", "name count:int64"),
    ("Var", "name objref:types.Target fieldref:types.FieldSelector"),
    ("Target", "apiVersion Gvk.group Gvk.version Gvk.kind name namespace"),
    ("FieldSelector", "fieldPath"),
    ("SortOptions", "order:types.SortOrder legacySortOptions:types.LegacySortOptions"),
    ("LegacySortOptions", "orderFirst:[]string orderLast:[]string"),
    (
        "ConfigMapArgs",
        "GeneratorArgs.namespace GeneratorArgs.name GeneratorArgs.behavior GeneratorArgs.KvPairSources.literals:[]string GeneratorArgs.KvPairSources.files:[]string GeneratorArgs.KvPairSources.envs:[]string GeneratorArgs.KvPairSources.env GeneratorArgs.options:types.GeneratorOptions",
    ),
    ("SecretArgs", "type"),
    (
        "GeneratorOptions",
        "labels:map[string]string annotations:map[string]string disableNameSuffixHash:bool immutable:bool",
    ),
    ("HelmGlobals", "chartHome configHome"),
    (
        "HelmChart",
        "name version repo releaseName namespace additionalValuesFiles:[]string valuesFile valuesInline:map[string]any valuesMerge includeCRDs:bool skipHooks:bool apiVersions:[]string kubeVersion nameTemplate skipTests:bool debug:bool devel:bool",
    ),
    (
        "HelmChartArgs",
        "chartName chartVersion chartRepoUrl chartHome chartRepoName helmBin helmHome values valuesLocal:map[string]any valuesMerge releaseName releaseNamespace extraArgs:[]string",
    ),
];

/// Whether every field is known and holds what it should. Answers it with the fields' names as they should be: any
/// capitals do.
///
/// # Errors
/// kustomize's words.
pub(super) fn check(kustomization: &Value) -> Result<Value, String> {
    let place = Place { owner: "", path: String::new() };
    decode(kustomization, "types.Kustomization", &place).map_err(|why| format!("invalid Kustomization: json: {why}"))
}

/// Whether a kustomization says anything at all, and what it is.
///
/// # Errors
/// kustomize's words.
pub(super) fn enforce(kustomization: &Value, root: &str) -> Result<(), String> {
    let says = |(field, value): (&str, &Value)| {
        !matches!(field, "apiVersion" | "kind") && value.as_str().is_none_or(|text| !text.is_empty())
    };
    if !kustomization.entries().any(says) {
        return Err("kustomization.yaml is empty".into());
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
    Ok(())
}

/// Where a value stands, as errors of Go's JSON name it: the struct that has the field, and the way there.
struct Place {
    owner: &'static str,
    path: String,
}

/// A value as Go decodes it into a type, the keys of objects in order. The first thing that is wrong is told.
fn decode(value: &Value, of: &'static str, place: &Place) -> Result<Value, String> {
    match value {
        // Nothing is a text without letters, a struct without fields.
        Value::Null if of == "string" => return Ok("".into()),
        Value::Null if of.starts_with("types.") => return Ok(Value::object()),
        Value::Null => return Ok(Value::Null),
        _ => {}
    }
    let kind = word(value);
    let fields = fields(of);
    match value {
        Value::Array(items) if of.starts_with("[]") => {
            let inner = of.trim_start_matches("[]").trim_start_matches('*');
            return items.iter().map(|item| decode(item, inner, place)).collect();
        }
        Value::Object(map) if of.starts_with("map[string]") => {
            let inner = of.trim_start_matches("map[string]");
            let mut out = value.clone();
            for (key, item) in map.iter() {
                out.set(key, decode(item, inner, place)?);
            }
            return Ok(out);
        }
        Value::Object(map) if fields.is_some() => {
            let mut out = Value::object();
            for (key, item) in map.iter() {
                let (name, path, inner) = field(of, key).ok_or_else(|| format!("unknown field {key:?}"))?;
                let path = if place.path.is_empty() { path.to_owned() } else { format!("{}.{path}", place.path) };
                let inside = Place { owner: of.trim_start_matches("types."), path };
                if !item.is_null() {
                    out.set(name, decode(item, inner, &inside)?);
                }
            }
            return Ok(out);
        }
        _ => {}
    }
    let kind = match (kind, of) {
        (_, "any") | ("bool", "bool") => return Ok(value.clone()),
        ("string", "string" | "types.PatchStrategicMerge" | "types.SortOrder") => return Ok(value.clone()),
        ("number", "int" | "int64") if matches!(value, Value::Int(_)) => return Ok(value.clone()),
        // What is a number, but not one of these, is shown.
        ("number", "int" | "int64") => format!("number {}", drydock_value::to_json(value)),
        _ => kind.to_owned(),
    };
    let of = of.replace("any", "interface {}");
    Err(match place.path.as_str() {
        "" => format!("cannot unmarshal {kind} into Go value of type {of}"),
        path => format!("cannot unmarshal {kind} into Go struct field {}.{path} of type {of}", place.owner),
    })
}

/// What JSON calls a value.
pub(crate) fn word(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Int(_) | Value::Float(_) => "number",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
        _ => "string",
    }
}

/// The fields of a struct.
fn fields(of: &str) -> Option<&'static str> {
    let name = of.strip_prefix("types.")?;
    TYPES.iter().find(|row| row.0 == name).map(|row| row.1)
}

/// A field of a struct, in whatever capitals: its name, its name with the structs that embed it, its type.
fn field(of: &str, key: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let found = fields(of)?.split(' ').find_map(|row| {
        let (path, inner) = row.split_once(':').unwrap_or((row, "string"));
        let name = path.rsplit('.').next().unwrap_or(path);
        name.eq_ignore_ascii_case(key).then_some((name, path, inner))
    });
    // Secrets have what config maps have, and a type.
    found.or_else(|| if of == "types.SecretArgs" { field("types.ConfigMapArgs", key) } else { None })
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
