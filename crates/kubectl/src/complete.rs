//! Completion by Tab: commands, flags and their values, types of resources, live names, containers, namespaces,
//! contexts, fields.
//!
//! [`complete`] answers whole words that may take the place of the last one. None means that files fit best. A word
//! that ends with `=`, `/`, `.` or `:` goes on; others are complete.

use drydock_api::{Request, Resource};
use drydock_schema::Schema;
use drydock_sorted::Sort;
use drydock_value::{Time, Value};

use crate::client::{ListOptions, path};
use crate::commands;
use crate::env::{Env, Io};
use crate::flags::{CommandInfo, FlagInfo, Parsed, Refusal, table};
use crate::invocation::Invocation;
use crate::pods;

/// How many names are offered at most.
const MAX_NAMES: usize = 500;

/// Completions of the last of the words behind `kubectl` ([`Env::args`]).
pub fn complete(env: &Env, io: &mut Io<'_>) -> Vec<String> {
    let Some((partial, before)) = env.args.split_last() else { return Vec::new() };
    let mut found = candidates(env, before, partial, io);
    found.retain(|word| word.starts_with(partial.as_str()));
    found.sort_compact();
    found.dedup();
    found.truncate(MAX_NAMES);
    found
}

fn candidates(env: &Env, before: &[String], partial: &str, io: &mut Io<'_>) -> Vec<String> {
    let table = table();
    // The command so far; a command line that is wrong already is completed as far as it can be understood.
    let Some(parsed) = parse(before) else { return Vec::new() };
    let command = parsed.command;
    let mut completer = Completer::new(env, parsed, io);
    if completer.invocation.dash.is_some() {
        return Vec::new();
    }
    if let Some((flag, value)) = partial.strip_prefix("--").and_then(|rest| rest.split_once('=')) {
        let Some(flag) = table.flag(command, flag) else { return Vec::new() };
        let values = completer.values(flag, value);
        return values.into_iter().map(|value| format!("--{}={value}", flag.name)).collect();
    }
    if partial.starts_with('-') {
        return flags(command, partial);
    }
    if let Some(flag) = before.last().and_then(|word| waiting_flag(command, word)) {
        return completer.values(flag, partial);
    }
    completer.positional(partial)
}

/// The command line before the last word. A flag at its end that wants a value gets an empty one.
fn parse(before: &[String]) -> Option<Parsed> {
    let mut words = before.to_vec();
    for _ in 0..=before.len() {
        match crate::flags::parse(&words) {
            Ok(parsed) => return Some(parsed),
            Err(Refusal::Command(..)) => return None,
            Err(Refusal::Flag(..)) => {}
        }
        let mut padded = words.clone();
        padded.push(String::new());
        if let Ok(mut parsed) = crate::flags::parse(&padded) {
            parsed.args.retain(|argument| !argument.is_empty());
            return Some(parsed);
        }
        words.pop()?;
    }
    None
}

/// The flag of a word, when its value is the next word.
fn waiting_flag(command: &'static CommandInfo, word: &str) -> Option<&'static FlagInfo> {
    let flag = if let Some(long) = word.strip_prefix("--") {
        if long.contains('=') {
            return None;
        }
        table().flag(command, long)?
    } else {
        let letters = word.strip_prefix('-').filter(|letters| !letters.is_empty())?;
        let flag = table().short(command, letters.chars().next_back()?)?;
        // Of grouped letters only the last may wait for a value.
        let grouped = letters.chars().rev().skip(1);
        let all_bare = grouped.clone().all(|letter| table().short(command, letter).is_some_and(|f| f.bare().is_some()));
        all_bare.then_some(flag)?
    };
    flag.bare().is_none().then_some(flag)
}

fn commands_under(path: &str) -> Vec<String> {
    let mut names: Vec<String> = table().children(path).map(|child| child.name().to_owned()).collect();
    if path.is_empty() {
        names.extend(["help".to_owned(), "options".to_owned()]);
    }
    names
}

fn flags(command: &CommandInfo, partial: &str) -> Vec<String> {
    let all = command.flags.iter().chain(table().global.iter().filter(|flag| command.flag(flag.name).is_none()));
    let mut words = Vec::new();
    for flag in all.filter(|flag| flag.deprecated.is_none()) {
        let equals = if flag.bare().is_some() { "" } else { "=" };
        words.push(format!("--{}{equals}", flag.name));
        if !partial.starts_with("--") {
            words.extend(flag.short.map(|short| format!("-{short}")));
        }
    }
    words.push("--help".into());
    words
}

/// What a command's arguments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A type, then names; or `type/name`.
    Resources,
    /// Only these types.
    Only(&'static [&'static str]),
    /// Names of one type.
    Names(&'static str),
    /// Pods, or `type/name`, once.
    Pod,
    Contexts,
    Clusters,
    Users,
    Shells,
    Fields,
    Nothing,
}

const WORKLOADS: &[&str] = &["deployments", "daemonsets", "statefulsets"];
const SCALABLE: &[&str] = &["deployments", "replicasets", "replicationcontrollers", "statefulsets"];
const WITH_PODS: &[&str] =
    &["pods", "deployments", "replicasets", "replicationcontrollers", "statefulsets", "daemonsets", "jobs", "cronjobs"];

/// What the arguments of each command are, by its path.
const ARGUMENTS: &[(&str, Kind)] = &[
    ("annotate", Kind::Resources),
    ("apply edit-last-applied", Kind::Resources),
    ("apply view-last-applied", Kind::Resources),
    ("attach", Kind::Pod),
    ("autoscale", Kind::Only(SCALABLE)),
    ("certificate approve", Kind::Names("certificatesigningrequests")),
    ("certificate deny", Kind::Names("certificatesigningrequests")),
    ("completion", Kind::Shells),
    ("config delete-cluster", Kind::Clusters),
    ("config delete-context", Kind::Contexts),
    ("config delete-user", Kind::Users),
    ("config get-contexts", Kind::Contexts),
    ("config rename-context", Kind::Contexts),
    ("config set-cluster", Kind::Clusters),
    ("config set-context", Kind::Contexts),
    ("config set-credentials", Kind::Users),
    ("config use-context", Kind::Contexts),
    ("cordon", Kind::Names("nodes")),
    ("debug", Kind::Pod),
    ("delete", Kind::Resources),
    ("describe", Kind::Resources),
    ("drain", Kind::Names("nodes")),
    ("edit", Kind::Resources),
    ("exec", Kind::Pod),
    ("explain", Kind::Fields),
    ("expose", Kind::Only(&["pods", "services", "replicationcontrollers", "deployments", "replicasets"])),
    ("get", Kind::Resources),
    ("label", Kind::Resources),
    ("logs", Kind::Pod),
    ("patch", Kind::Resources),
    ("port-forward", Kind::Pod),
    ("rollout history", Kind::Only(WORKLOADS)),
    ("rollout pause", Kind::Only(&["deployments"])),
    ("rollout restart", Kind::Only(WORKLOADS)),
    ("rollout resume", Kind::Only(&["deployments"])),
    ("rollout status", Kind::Only(WORKLOADS)),
    ("rollout undo", Kind::Only(WORKLOADS)),
    ("scale", Kind::Only(SCALABLE)),
    ("set env", Kind::Only(WITH_PODS)),
    ("set image", Kind::Only(WITH_PODS)),
    ("set resources", Kind::Only(WITH_PODS)),
    ("set selector", Kind::Only(&["services"])),
    ("set serviceaccount", Kind::Only(WITH_PODS)),
    ("set subject", Kind::Only(&["rolebindings", "clusterrolebindings"])),
    ("taint", Kind::Only(&["nodes"])),
    ("top node", Kind::Names("nodes")),
    ("top pod", Kind::Names("pods")),
    ("uncordon", Kind::Names("nodes")),
    ("wait", Kind::Resources),
];

/// Looks things up, with what the command line says already.
struct Completer<'c, 'i> {
    invocation: Invocation,
    io: &'c mut Io<'i>,
}

impl<'c, 'i> Completer<'c, 'i> {
    fn new(env: &Env, parsed: Parsed, io: &'c mut Io<'i>) -> Completer<'c, 'i> {
        let invocation = Invocation::new(env.clone(), &commands::COMPLETION, parsed, None, Time::default());
        Completer { invocation, io }
    }

    fn positional(&mut self, partial: &str) -> Vec<String> {
        let path = self.invocation.command.path;
        let args = self.invocation.args.clone();
        if args.is_empty() {
            let children = commands_under(path);
            if path.is_empty() || table().children(path).next().is_some() {
                return children;
            }
        }
        let kind = ARGUMENTS.iter().find(|(command, _)| *command == path).map_or(Kind::Nothing, |(_, kind)| *kind);
        match kind {
            Kind::Resources => self.resources(&args, partial, None),
            Kind::Only(types) => self.resources(&args, partial, Some(types)),
            Kind::Names(resource) => {
                let named = self.names(resource);
                named.into_iter().filter(|name| !args.contains(name)).collect()
            }
            Kind::Pod if args.is_empty() => match partial.split_once('/') {
                Some((resource, _)) => self.slashed(resource),
                None => self.names("pods"),
            },
            Kind::Pod if path == "logs" && args.len() == 1 => self.containers(),
            Kind::Contexts if args.is_empty() => self.section(|config| config.contexts.keys().cloned().collect()),
            Kind::Clusters if args.is_empty() => self.section(|config| config.clusters.keys().cloned().collect()),
            Kind::Users if args.is_empty() => self.section(|config| config.users.keys().cloned().collect()),
            Kind::Shells => ["bash", "fish", "powershell", "zsh"].map(str::to_owned).to_vec(),
            Kind::Fields if args.is_empty() => self.fields(partial),
            _ => Vec::new(),
        }
    }

    fn resources(&mut self, args: &[String], partial: &str, only: Option<&[&str]>) -> Vec<String> {
        if let Some((resource, _)) = partial.split_once('/') {
            return self.slashed(resource);
        }
        match args {
            [] => {
                let types = self.types(only);
                // The last of several types, separated by commas.
                match partial.rsplit_once(',') {
                    Some((before, _)) => types.into_iter().map(|word| format!("{before},{word}")).collect(),
                    None => types,
                }
            }
            [first, ..] if first.contains('/') => {
                if self.invocation.command.path == "set image" {
                    self.images(args)
                } else {
                    Vec::new()
                }
            }
            [kind, name, ..] if self.invocation.command.path == "set image" => self.images(&[format!("{kind}/{name}")]),
            [kind, rest @ ..] => {
                let named = self.names(&kind.clone());
                named.into_iter().filter(|name| !rest.contains(name)).collect()
            }
        }
    }

    fn slashed(&mut self, resource: &str) -> Vec<String> {
        self.names(resource).into_iter().map(|name| format!("{resource}/{name}")).collect()
    }

    fn types(&mut self, only: Option<&[&str]>) -> Vec<String> {
        let Ok(mapper) = self.invocation.mapper(self.io) else { return Vec::new() };
        let resources: Vec<&Resource> =
            mapper.preferred().filter(|r| r.verbs.iter().any(|verb| verb == "list")).collect();
        let mut words = Vec::new();
        for resource in &resources {
            let name = &resource.id.resource;
            if only.is_some_and(|only| !only.contains(&name.as_str())) {
                continue;
            }
            // The group is only said where the name alone means another resource.
            let first = resources.iter().find(|other| other.id.resource == *name);
            let unique = first.is_some_and(|first| first.id.group == resource.id.group);
            words.push(if unique { name.clone() } else { resource.id.group_resource() });
        }
        words
    }

    fn list(&mut self, resource: &Resource) -> Vec<Value> {
        let options = ListOptions { chunk: i64::try_from(MAX_NAMES).unwrap_or(500), ..ListOptions::default() };
        let Ok(namespace) = self.invocation.namespace(self.io) else { return Vec::new() };
        let request = Request::get(path(resource, &namespace, None)).param("limit", options.chunk.to_string());
        let list = self.invocation.client(self.io).and_then(|client| client.value(self.io, request));
        list.map(|list| list["items"].items().to_vec()).unwrap_or_default()
    }

    fn names(&mut self, word: &str) -> Vec<String> {
        let Ok(mapper) = self.invocation.mapper(self.io) else { return Vec::new() };
        let Some(resource) = mapper.lookup(word).cloned() else { return Vec::new() };
        let names =
            self.list(&resource).iter().map(|item| item["metadata"]["name"].str().to_owned()).collect::<Vec<_>>();
        names.into_iter().filter(|name| !name.is_empty()).collect()
    }

    fn object(&mut self, word: &str) -> Option<Value> {
        pods::target(&mut self.invocation, self.io, word).ok()?.pop()
    }

    /// The containers of the pod that the first argument names, or of the template of what it names.
    fn containers(&mut self) -> Vec<String> {
        let Some(first) = self.invocation.args.first().cloned() else { return Vec::new() };
        let Some(object) = self.object(&first) else { return Vec::new() };
        let pod = if object["spec"]["containers"].is_null() { &object["spec"]["template"] } else { &object };
        pods::containers(pod).map(|(_, container)| container["name"].str().to_owned()).collect()
    }

    /// `container=` for `set image`.
    fn images(&mut self, args: &[String]) -> Vec<String> {
        let Some(object) = args.first().and_then(|word| self.object(word)) else { return Vec::new() };
        let pod = if object["spec"]["containers"].is_null() { &object["spec"]["template"] } else { &object };
        pods::containers(pod).map(|(_, container)| format!("{}=", container["name"].str())).collect()
    }

    fn section(&mut self, names: impl FnOnce(&crate::kubeconfig::Config) -> Vec<String>) -> Vec<String> {
        self.invocation.kubeconfig(self.io).map(|files| names(&files.merged())).unwrap_or_default()
    }

    /// `pods.spec.containers.` and what may follow.
    fn fields(&mut self, partial: &str) -> Vec<String> {
        let Some((before, _)) = partial.rsplit_once('.') else { return self.types(None) };
        let mut words = before.split('.');
        let Ok(mapper) = self.invocation.mapper(self.io) else { return Vec::new() };
        let Some(resource) = words.next().and_then(|word| mapper.lookup(word)) else { return Vec::new() };
        let mut at = Schema::get().by_kind(&resource.gvk());
        for word in words {
            at = at.and_then(|of| of.field(word)).and_then(|field| field.shape.object());
        }
        let fields = at.into_iter().flat_map(|of| of.fields().map(|field| field.name).collect::<Vec<_>>());
        fields.map(|field| format!("{before}.{field}")).collect()
    }

    /// Values of a flag.
    fn values(&mut self, flag: &FlagInfo, partial: &str) -> Vec<String> {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        match flag.name {
            "namespace" | "namespaces" => self.names("namespaces"),
            "context" => self.section(|config| config.contexts.keys().cloned().collect()),
            "cluster" => self.section(|config| config.clusters.keys().cloned().collect()),
            "user" if self.invocation.command.path.is_empty() || !self.own("user") => {
                self.section(|config| config.users.keys().cloned().collect())
            }
            "container" => self.containers(),
            "output" => self.outputs(partial),
            "dry-run" => words(&["client", "none", "server"]),
            "cascade" => words(&["background", "foreground", "orphan"]),
            "validate" => words(&["ignore", "strict", "warn"]),
            "restart" => words(&["Always", "Never", "OnFailure"]),
            "image-pull-policy" => words(&["Always", "IfNotPresent", "Never"]),
            "protocol" => words(&["SCTP", "TCP", "UDP"]),
            "subresource" => words(&["resize", "scale", "status"]),
            "types" => words(&["Normal", "Warning"]),
            "api-group" => {
                let groups = self.invocation.mapper(self.io).map(|mapper| {
                    mapper.resources().iter().map(|r| r.id.group.clone()).filter(|group| !group.is_empty()).collect()
                });
                groups.unwrap_or_default()
            }
            "for" if self.invocation.command.path == "wait" => words(&["condition=", "create", "delete", "jsonpath="]),
            "for" => match partial.split_once('/') {
                Some((resource, _)) => self.slashed(resource),
                None => self.types(None).into_iter().map(|word| format!("{word}/")).collect(),
            },
            "sort-by" if self.invocation.command.path.starts_with("top") => words(&["cpu", "memory"]),
            "sort-by" if self.invocation.command.path == "api-resources" => words(&["kind", "name"]),
            _ => Vec::new(),
        }
    }

    fn own(&self, flag: &str) -> bool {
        self.invocation.command.flag(flag).is_some()
    }

    fn outputs(&self, _partial: &str) -> Vec<String> {
        let words: &[&str] = match self.invocation.command.path {
            "version" => &["json", "yaml"],
            "api-resources" => &["json", "kyaml", "name", "wide", "yaml"],
            "config get-contexts" => &["name"],
            "explain" => &["plaintext", "plaintext-openapiv2"],
            "get" => &[
                "custom-columns-file=",
                "custom-columns=",
                "go-template-file=",
                "go-template=",
                "json",
                "jsonpath-as-json=",
                "jsonpath-file=",
                "jsonpath=",
                "kyaml",
                "name",
                "wide",
                "yaml",
            ],
            _ => &[
                "go-template-file=",
                "go-template=",
                "json",
                "jsonpath-as-json=",
                "jsonpath-file=",
                "jsonpath=",
                "kyaml",
                "name",
                "yaml",
            ],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::Fake;
    use drydock_value::{Value, value};

    fn list(names: &[&str]) -> Value {
        value!({"kind": "List", "items": names.iter().map(|name| value!({"metadata": {"name": *name}})).collect::<Value>()})
    }

    #[test]
    fn completes() {
        let pod = value!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "default"},
            "spec": {"containers": [{"name": "app"}, {"name": "side"}]}});
        let mut fake = Fake::default()
            .with("/api/v1/namespaces/default/pods", list(&["web", "db-0"]))
            .with("/api/v1/namespaces/default/pods/web", pod)
            .with("/api/v1/namespaces", list(&["default", "kube-system"]))
            .with("/api/v1/nodes", list(&["minikube"]))
            .with("/apis/apps/v1/namespaces/default/deployments", list(&["shop"]))
            .file("/home/.kube/config", "contexts: [{name: mini, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'http://localhost:8080'}}]");
        let cases = [
            ("ge", "get"),
            ("rollout re", "restart resume"),
            ("get po", "pods"),
            ("get pods,dep", "pods,deployments"),
            ("get pods ", "db-0 web"),
            ("get pod/", "pod/db-0 pod/web"),
            ("get pods web d", "db-0"),
            ("get pods -o ya", "yaml"),
            ("get pods -oyaml -n kube", "kube-system"),
            ("get pods --namespace=def", "--namespace=default"),
            ("get pods --all-n", "--all-namespaces"),
            ("get pods --field", "--field-selector="),
            ("logs web -c ", "app side"),
            ("logs web s", "side"),
            ("exec -it w", "web"),
            ("exec web -- l", ""),
            ("rollout status d", "deployments"),
            ("rollout status deployments ", "shop"),
            ("cordon ", "minikube"),
            ("config use-context ", "mini"),
            ("explain pods.spec.containers.im", "pods.spec.containers.image pods.spec.containers.imagePullPolicy"),
            ("set image pod/web ", "app= side="),
            ("apply -f ", ""),
            ("wait --for=con", "--for=condition="),
            ("frob ", ""),
        ];
        for (line, want) in cases {
            let got = fake.complete(line);
            let want: Vec<&str> = want.split_whitespace().collect();
            assert_eq!(got, want, "{line}");
        }
    }
}
