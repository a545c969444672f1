//! Commands as they are typed against a server without nodes, by kubectl, ours and the real one: what each comes to,
//! and what its output holds.

use std::path::Path;

use crate::clients::Kubectl;
use crate::start;

/// A command line, its exit code, and a part of what it prints.
type Line = (&'static str, i32, &'static str);

const LINES: &[Line] = &[
    ("create namespace typed", 0, "namespace/typed created"),
    ("-n typed run one --image=nginx", 0, "pod/one created"),
    // Templates see who wrote what; YAML leaves it out.
    ("-n typed get pods -o jsonpath={.items[*].metadata.managedFields[*].manager}", 0, "kubectl-run"),
    ("-n typed label pod one tier=web --record", 0, "pod/one labeled"),
    (
        "-n typed get pod one -o go-template={{.metadata.annotations}}",
        0,
        "kubectl label pod one tier=web --namespace=typed",
    ),
    (
        "-n typed patch pod one --dry-run=server -p {\"metadata\":{\"labels\":{\"tier\":\"db\"}}}",
        0,
        "pod/one patched\n",
    ),
    ("-n typed patch pod one -p {\"metadata\":{\"labels\":{\"tier\":\"web\"}}}", 0, "patched (no change)"),
    ("-n typed patch pod one -p {\"metadata\":{\"labels\":\"x\"}}", 1, "cannot restore map from string"),
    ("-n typed get pod one --subresource=scale", 1, "the server could not find the requested resource"),
    ("get clusterroles --chunk-size=10 -v=6", 0, "/clusterroles?continue="),
    ("get pods --all-namespaces one", 1, "a resource cannot be retrieved by name across all namespaces"),
    ("get namespaces --match-server-version", 1, "differs from client version"),
    // Two kinds with one short name: that of the group that comes first is meant.
    ("apply -f kinds.yaml", 0, "boats.air.example.com created"),
    ("wait --for=condition=Established crd --all --timeout=20s", 0, "boats.sea.example.com condition met"),
    ("-n typed get bt", 0, "could also match lower priority resource boats.sea.example.com"),
    ("-n typed get boats.v1.sea.example.com", 0, "Warning: sink it"),
    ("-n typed get boats.v1.sea.example.com --warnings-as-errors", 1, "error: 1 warning received"),
    // Policies refuse, and say what is wrong with themselves.
    ("apply -f policies.yaml", 0, "validatingadmissionpolicybinding.admissionregistration.k8s.io/few created"),
    (
        "-n typed create deployment big --image=nginx --replicas=9",
        1,
        "ValidatingAdmissionPolicy 'few' with binding 'few' denied request: at most 5 in typed",
    ),
    ("-n typed create deployment small --image=nginx", 0, "deployment.apps/small created"),
    (
        "-n typed patch deployment small -p {\"spec\":{\"replicas\":9}}",
        1,
        "The deployments \"small\" is invalid: : ValidatingAdmissionPolicy 'few'",
    ),
    (
        "wait --for=jsonpath={.status.observedGeneration}=1 validatingadmissionpolicy/odd --timeout=20s",
        0,
        "condition met",
    ),
    (
        "get validatingadmissionpolicy odd -o jsonpath={.status.typeChecking.expressionWarnings[0].warning}",
        0,
        "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'",
    ),
    ("delete -f policies.yaml", 0, "\"few\" deleted"),
    // A user entry that stands for another.
    (
        "--user=other auth whoami -o jsonpath={.status.userInfo}",
        0,
        "\"groups\":[\"g2\",\"g1\",\"system:authenticated\"]",
    ),
    ("--user=nobody get pods", 1, "without impersonating a user"),
    ("--user=ghost get pods", 1, "auth info \"ghost\" does not exist"),
    ("-n typed delete pod one --now", 0, "pod \"one\" deleted from typed namespace"),
];

const KINDS: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: boats.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {plural: boats, singular: boat, kind: Boat, shortNames: [bt]}
  versions:
  - name: v1
    served: true
    storage: true
    deprecated: true
    deprecationWarning: sink it
    schema: {openAPIV3Schema: {type: object}}
---
";

const POLICIES: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: few}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  validations:
  - expression: object.spec.replicas <= 5
    messageExpression: \"'at most 5 in ' + namespaceObject.metadata.name\"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: few}
spec: {policyName: few, validationActions: [Deny]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: odd}
spec:
  matchConstraints:
    resourceRules:
    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}
  validations:
  - expression: object.replicas <= 5
";

const USERS: &str = "users:
- {name: nobody, user: {as-uid: '7'}}
- {name: other, user: {as: userb, as-uid: abc, as-groups: [g2, g1], as-user-extra: {foo: [bar]}}}
";

fn session(name: &str, program: &Path, words: &[&str]) {
    let server = start(|options| {
        options.cluster.nodes.clear();
        options.cluster.scheduler = false;
    });
    let folder = std::env::temp_dir().join(format!("drydock-typed-{name}-{}", std::process::id()));
    let kubectl = Kubectl::new(&folder, program, words, &server);
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: typed\nclusters:\n- {{name: typed, cluster: {{server: '{}'}}}}\n\
         contexts:\n- {{name: typed, context: {{cluster: typed, user: ''}}}}\n{USERS}",
        server.url()
    );
    std::fs::write(folder.join("config"), config).expect("a kubeconfig");
    let kinds = ["sea.example.com", "air.example.com"].map(|group| KINDS.replace("GROUP", group)).concat();
    std::fs::write(folder.join("kinds.yaml"), kinds).expect("a file");
    std::fs::write(folder.join("policies.yaml"), POLICIES).expect("a file");
    for (line, code, part) in LINES {
        let ran = kubectl.run(line);
        assert_eq!(ran.code, *code, "kubectl {line}: {}", ran.text);
        assert!(ran.text.contains(part), "kubectl {line}: {}", ran.text);
    }
    std::fs::remove_dir_all(&folder).expect("the folder is there");
}

#[test]
fn ours() {
    session("ours", Path::new(env!("CARGO_BIN_EXE_drydock")), &["kubectl"]);
}

#[test]
fn the_real_one() {
    match std::env::var_os("KUBECTL") {
        Some(program) => session("real", Path::new(&program), &[]),
        None => println!("skipped: the variable KUBECTL names no kubectl"),
    }
}
