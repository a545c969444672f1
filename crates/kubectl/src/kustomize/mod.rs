//! Kustomize: objects made of folders of files, layer over layer.
//!
//! [`build`] reads a folder's kustomization, what it names (folders again, files), generates config maps and secrets,
//! lets the transformers run over everything in kustomize's order, and at last adds hashes to names and follows names
//! that have changed. Its words are kustomize's.
//!
//! - [`load`]: folders, files, the recursion.
//! - [`checks`]: what may stand in a kustomization.
//! - [`resource`]: objects with what they were called before.
//! - [`generate`], [`transform`], [`patch`], [`replace`], [`vars`], [`plugins`]: what the fields do.
//! - [`fields`], [`references`], [`config`]: where things lie in objects.

mod checks;
mod config;
mod fields;
mod generate;
mod load;
mod merge;
mod patch;
mod plugins;
mod references;
mod replace;
mod resource;
mod select;
mod transform;
mod vars;

pub(crate) use checks::word;
use drydock_value::Value;

use crate::env::{Env, Files};
use load::{Loader, World};
use resource::Items;

/// The version that `managedByLabel` names.
const VERSION: &str = "v5.8.1";

/// Builds the kustomization of a folder, without restrictions of what is loaded and with charts if that is asked for.
/// Warnings come also with an error; `log` stands before those that are logged.
///
/// # Errors
/// kustomize's words.
pub fn build(
    path: &str,
    [unrestricted, helm]: [bool; 2],
    log: &str,
    env: &Env,
    files: &mut dyn Files,
) -> (Vec<String>, Result<Vec<Value>, String>) {
    let mut world = World {
        env,
        files,
        unrestricted,
        helm,
        log: log.to_owned(),
        warnings: Vec::new(),
        vars: Vec::new(),
        var_fields: Vec::new(),
        references: Vec::new(),
        annotated: false,
    };
    let built = objects(&mut world, path);
    (world.warnings, built)
}

fn objects(world: &mut World<'_>, path: &str) -> Result<Vec<Value>, String> {
    let loader = Loader::start(world, path)?;
    let kustomization = load::kustomization(world, &loader)?;
    world.annotated = kustomization["buildMetadata"].items().iter().any(|of| of.str() == "transformerAnnotations");
    let mut items = Items::new();
    load::accumulate(world, &loader, &kustomization, &mut items)?;
    for item in items.iter_mut().filter(|item| item.hashed) {
        item.remember();
        let hash = transform::hash(&item.object);
        let name = format!("{}-{hash}", item.object["metadata"]["name"].str());
        item.object["metadata"].set("name", name);
    }
    references::follow(&mut items, &world.references);
    for note in vars::resolve(&world.vars, &world.var_fields, &mut items)? {
        world.warnings.push(format!("{}{note}", world.log));
    }
    items.retain(|item| item.object["metadata"]["annotations"]["config.kubernetes.io/local-config"].str() != "true");
    resource::in_order(&mut items, &kustomization["sortOptions"])?;
    let notes = |name: &str| kustomization["buildMetadata"].items().iter().any(|item| item.str() == name);
    for item in &mut items {
        if notes("originAnnotations") && !item.origin.is_null() {
            let text = resource::origin_text(&item.origin, "");
            item.object["metadata"]["annotations"].set("config.kubernetes.io/origin", text);
        }
        if !item.transformations.is_empty() {
            let annotations = &mut item.object["metadata"]["annotations"];
            annotations.set("alpha.config.kubernetes.io/transformations", item.transformations.as_str());
        }
        if notes("managedByLabel") {
            item.object["metadata"]["labels"].set("app.kubernetes.io/managed-by", format!("kustomize-{VERSION}"));
        }
        for key in ["kustomize.config.k8s.io/needs-hash", "kustomize.config.k8s.io/behavior"] {
            forget(&mut item.object, key);
        }
    }
    Ok(items.into_iter().map(|item| item.object).collect())
}

/// Takes an annotation off that speaks to kustomize only.
fn forget(object: &mut Value, key: &str) {
    let metadata = &mut object["metadata"];
    if metadata["annotations"].get(key).is_none() {
        return;
    }
    metadata["annotations"].remove(key);
    if metadata["annotations"].is_empty() {
        metadata.remove("annotations");
    }
}

/// Objects as a stream of YAML documents.
pub fn to_yaml(objects: &[Value]) -> String {
    objects.iter().map(drydock_yaml::to_yaml).collect::<Vec<_>>().join("---\n")
}

#[cfg(test)]
mod tests {
    use crate::testing::Fake;

    const ALL: &str = "
apiVersion: v1
kind: Secret
metadata: {name: pull}
---
apiVersion: v1
kind: Service
metadata: {name: web}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: in}
spec:
  tls: [{secretName: pull}]
  rules: [{http: {paths: [{backend: {service: {name: web}}}, {backend: {service: {name: other}}}]}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: job}
spec:
  jobTemplate:
    spec:
      template:
        spec: {imagePullSecrets: [{name: pull}], serviceAccountName: default, initContainers: [{name: i, image: busybox}]}
";

    /// What a kustomization over those objects makes, or its error.
    fn built(kustomization: &str) -> String {
        let text = format!("resources: [all.yaml]\n{kustomization}");
        let ran = Fake::default().file("/k/all.yaml", ALL).file("/k/kustomization.yaml", &text).line("kustomize /k");
        ran.out + &ran.err
    }

    #[test]
    fn fields_do_what_they_say() {
        for (kustomization, wanted) in [
            // Names follow, but not those of objects that are elsewhere.
            ("nameprefix: p-\nImages: [{NAME: nginx, newtag: '9'}]\n", &["name: p-web"][..]),
            ("namePrefix: p-\n", &["- secretName: p-pull", "- name: p-pull", "name: p-web", "name: other"][..]),
            ("namespace: team\n", &["namespace: team"]),
            ("images: [{name: busybox, newTag: '1'}]\n", &["image: busybox:1"]),
            (
                "images: [{name: busybox, newTag: 1}]\n",
                &["cannot unmarshal number into Go struct field Image.images.newTag of type string"],
            ),
            (
                "labels: [{pairs: {a: b}, includeSelectors: true}]\n",
                &["  selector:\n    a: b", "      template:\n        metadata:\n          labels:\n            a: b"],
            ),
            ("commonAnnotations: {x: z}\n", &["    metadata:\n      annotations:\n        x: z"]),
            (
                "replicas: [{name: web, count: 2}]\n",
                &["resource with name web does not match a config with the following GVK"],
            ),
            (
                "patches: [{target: {kind: Cron.*}, patch: '- {op: add, path: /spec/suspend, value: true}'}]\n",
                &["suspend: true"],
            ),
            (
                "patches: [{target: {kind: Cron.*}, patch: '[{op: add, path: /spec/suspend, value: true}]'}]\n",
                &["unable to parse SM or JSON patch from [patch: "],
            ),
            (
                "patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: web}, $patch: delete}'}]\n",
                &["kind: Ingress"],
            ),
            (
                "replacements: [{source: {kind: Secret, fieldPath: metadata.name}, targets: [{select: {kind: Service}, fieldPaths: [spec.x.z], options: {create: true}}]}]\n",
                &["spec:\n  x:\n    z: pull"],
            ),
            ("buildMetadata: [managedByLabel]\n", &["app.kubernetes.io/managed-by: kustomize-v5.8.1"]),
            (
                "components: [nope]\n",
                &["accumulating components: loader.New \"must build at directory: not a valid directory"],
            ),
            ("frob: 1\n", &["error: invalid Kustomization: json: unknown field \"frob\""]),
            (
                "labels: [{pairs: {x: 1}}]\n",
                &["cannot unmarshal number into Go struct field Label.labels.pairs of type string"],
            ),
            (
                "images: x\n",
                &["cannot unmarshal string into Go struct field Kustomization.images of type []types.Image"],
            ),
            ("kind: Foo\nimages: []\n", &["\nkind should be Kustomization or Component"]),
            ("images: [\n", &["invalid Kustomization: yaml: line "]),
            ("helmCharts: [{name: x}]\n", &["with config: `\nname: x\n`: must specify --enable-helm"]),
            (
                "vars: [{name: x}]\n",
                &["var '{x [noKind].[noVer].[noGrp] {metadata.name}}' cannot be mapped to a field in the set of known"],
            ),
            (
                "namePrefix: p-\nvars: [{name: S, objref: {apiVersion: v1, kind: Service, name: web}}]\nlabels: [{pairs: {of: x-$(S)}}]\n",
                &["of: x-p-web"],
            ),
            (
                "transformers: ['{apiVersion: builtin, kind: LabelTransformer, metadata: {name: l}, labels: {a: b},\n fieldSpecs: [{path: metadata/labels, create: true}]}']\n",
                &["labels:\n    a: b"],
            ),
            (
                "generators: ['{apiVersion: builtin, kind: ConfigMapGenerator, metadata: {name: g},\n literals: [a=b]}']\n",
                &["name: g-4h2mbtbbt6"],
            ),
            (
                "configMapGenerator: [{name: g}]\ngeneratorOptions: {labels: {of: all}, disableNameSuffixHash: true}\n",
                &["  labels:\n    of: all\n  name: g\n"],
            ),
            ("patches: [{patch: '[]'}]\n", &["must specify a target for JSON patch [patch: \"[]\"]"]),
            ("secretGenerator: [{literals: [a=b]}]\n", &["a configmap must have a name"]),
            ("sortOptions: {order: x}\n", &["the field 'sortOptions.order' must be one of [fifo, legacy]"]),
            ("patches: [{target: {kind: Pod}}]\n", &["must specify one of patch and path in\ntarget:\n  kind: Pod"]),
            (
                "commonLabels: {a: 1}\n",
                &["cannot unmarshal number into Go struct field Kustomization.commonLabels of type string"],
            ),
            (
                "metadata: 5\n",
                &["cannot unmarshal number into Go struct field Kustomization.metadata of type types.ObjectMeta"],
            ),
            (
                "zz: 1\nnamePrefix: a-\nnamePrefix: [b-]\n",
                &["array into Go struct field Kustomization.namePrefix of type string"],
            ),
            (
                "patches: [{target: {kind: 1}}]\n",
                &["struct field Selector.patches.target.ResId.Gvk.kind of type string"],
            ),
            (
                "secretGenerator: [{literals: a}]\n",
                &["SecretArgs.secretGenerator.GeneratorArgs.KvPairSources.literals of type []string"],
            ),
            (
                "replacements: [{source: x}]\n",
                &["ReplacementField.replacements.Replacement.source of type types.SourceSelector"],
            ),
            (
                "replicas: [{name: web, count: 2.5}]\n",
                &["cannot unmarshal number 2.5 into Go struct field Replica.replicas.count of type int64"],
            ),
            (
                "configMapGenerator: [{name: g}, {name: g}]\n",
                &["exists; can not use behavior: 'unspecified', behavior must be merge or replace"],
            ),
            (
                "crds: [all.yaml]\n",
                &[
                    "error: loading CRDs [all.yaml]: unable to parse open API definition from 'all.yaml': error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type accumulator.OpenAPIDefinition",
                ],
            ),
            (
                "generators: [lost]\n",
                &["error: loading generator plugins: accumulation err='accumulating resources from 'lost'"],
            ),
            ("transformers: [lost]\n", &["error: accumulation err='accumulating resources from 'lost'"]),
            (
                "transformers: ['{apiVersion: builtin, kind: SecretGenerator, metadata: {name: l}}']\n",
                &["error: plugin SecretGenerator.builtin.[noGrp]/l.[noNs] not a transformer"],
            ),
            (
                "validators: ['{apiVersion: builtin, kind: NamespaceTransformer, metadata: {name: n, namespace: z}}']\n",
                &["validator shouldn't modify the resource map: nodes unequal: \n -- {"],
            ),
            (
                "replacements: [{path: lost}]\n",
                &[
                    "trouble configuring builtin ReplacementTransformer with config: `\nReplacements:\n- path: lost\n`: evalsymlink",
                ],
            ),
            (
                "replacements: [{sourceValue: x, source: {kind: Service}, targets: [{}]}]\n",
                &["value and resource selectors are mutually exclusive"],
            ),
            (
                "replacements: [{sourceValue: x, targets: [{select: {kind: Ingress}, fieldPaths: [spec.tls.3.x]}]}]\n",
                &[
                    "unable to find field \"spec.tls.3.x\" in replacement target: index 3 specified but only 1 elements found",
                ],
            ),
            (
                "patchesJson6902: [{path: p, target: {kind: Service}}]\n",
                &[
                    "PatchJson6902Transformer with config: `\npath: p\ntarget:\n  kind: Service\n`: must specify the target name",
                ],
            ),
            (
                "helmCharts: [{name: x}]\nhelmGlobals: {chartHome: c}\n",
                &["chartHome: c\nname: x\n`: must specify --enable-helm"],
            ),
            ("images: [{name: busybox, newTag: '1', tagSuffix: -b}]\n", &["image: busybox:1"]),
            (
                "buildMetadata: [transformerAnnotations]\nnamePrefix: p-\n",
                &[
                    "    alpha.config.kubernetes.io/transformations: |\n      - configuredIn: kustomization.yaml\n        configuredBy:\n          apiVersion: builtin\n          kind: PrefixTransformer\n",
                ],
            ),
            ("secretGenerator: [{name: s}]\n", &["data: {}\nkind: Secret\nmetadata:\n  name: s-46f8b28mk5"]),
            (
                "vars: [{name: V, objref: {kind: Service, version: v1, name: web}}]\n",
                &["well-defined vars that were never replaced: V"],
            ),
        ] {
            let got = built(kustomization);
            for want in wanted {
                assert!(got.contains(want), "{kustomization}: {want:?} is not in\n{got}");
            }
        }
        assert!(
            !built("patches: [{patch: '{apiVersion: v1, kind: Service, metadata: {name: web}, $patch: delete}'}]\n")
                .contains("kind: Service")
        );
    }
}
