//! Transcripts: commands with what the real kubectl said, played without a cluster.
//!
//! Only what needs no answer of a server that refuses: that is in the recordings of `tests/fidelity`. In the files of `testdata/transcripts`, `$` begins a line of commands (several with `; ` between), what follows is
//! standard output, `! ` begins lines of standard error, and `=> 1` is the exit code of the last command.

use drydock_value::value;

use crate::env::Env;
use crate::testing::{Fake, Ran};

struct Entry {
    line: String,
    wanted: Ran,
}

fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        if let Some(line) = line.strip_prefix("$ ") {
            let wanted = Ran { out: String::new(), err: String::new(), code: 0 };
            entries.push(Entry { line: line.to_owned(), wanted });
            continue;
        }
        let wanted = &mut entries.last_mut().unwrap().wanted;
        if let Some(words) = line.strip_prefix("! ") {
            wanted.err += words;
            wanted.err.push('\n');
        } else if let Some(code) = line.strip_prefix("=> ") {
            wanted.code = code.parse().unwrap();
        } else {
            wanted.out += line;
            wanted.out.push('\n');
        }
    }
    entries
}

/// The words of a command line, with quotes as bash has them.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Files that commands can name.
const FILES: &[(&str, &str)] = &[
    ("/web.yaml", include_str!("../../testdata/transcripts/web.yaml")),
    ("/svc.yaml", include_str!("../../testdata/transcripts/svc.yaml")),
];

fn play(text: &str) {
    let deployment = value!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}}}
    });
    let mut failed = Vec::new();
    for Entry { line, wanted } in entries(text) {
        let mut fake = Fake::default().with_all_resources().object(&deployment);
        for (path, text) in FILES {
            fake = fake.file(path, text);
        }
        let mut ran = Ran { out: String::new(), err: String::new(), code: 0 };
        for command in line.split("; ") {
            let words = words(command.strip_prefix("kubectl ").unwrap());
            let mut env = Env::of(&words.iter().map(String::as_str).collect::<Vec<_>>());
            env.home = "/home".into();
            let one = fake.run_in(env);
            ran = Ran { out: ran.out + &one.out, err: ran.err + &one.err, code: one.code };
        }
        // A transcript has no way to say that a line does not end; and a blank line parts it from the next.
        let trimmed = |ran: &Ran| Ran { out: ran.out.trim_end().to_owned(), ..ran.clone() };
        if trimmed(&ran) != trimmed(&wanted) {
            failed.push(format!("$ {line}\n--- wanted\n{wanted:#?}\n--- got\n{ran:#?}"));
        }
    }
    assert!(failed.is_empty(), "{} failed\n{}", failed.len(), failed.join("\n\n").replace("\\n", "\n"));
}

#[test]
fn generators_make_what_kubectl_makes() {
    play(include_str!("../../testdata/transcripts/generators.txt"));
}

#[test]
fn run_makes_what_kubectl_makes() {
    play(include_str!("../../testdata/transcripts/run.txt"));
}

#[test]
fn local_files_are_changed_without_a_server() {
    play(include_str!("../../testdata/transcripts/local.txt"));
}

#[test]
fn refusals_are_kubectls() {
    play(include_str!("../../testdata/transcripts/refusals.txt"));
}

#[test]
fn what_is_recorded_is_part_of_what_is_sent() {
    let web = value!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"template": {"spec": {"containers": [{"name": "app", "image": "nginx"}]}}}
    });
    let answer = || Fake::default().with_all_resources().object(&web);
    let path = "/apis/apps/v1/namespaces/default/deployments/web";
    for (line, cause) in [
        ("label deploy web a=b --record", "kubectl label deploy web a=b --record=true"),
        ("annotate deploy/web a=b --record=true", "kubectl annotate deploy/web a=b --record=true"),
        (
            "-n default set image deploy/web app=httpd --record",
            "kubectl set image deploy/web app=httpd --namespace=default --record=true",
        ),
        ("patch deploy web -p {} --record", "kubectl patch deploy web --patch={} --record=true"),
        (
            "scale deploy web --replicas=2 --record --timeout=0",
            "kubectl scale deploy web --replicas=2 --record=true --timeout=0",
        ),
        ("label deploy web a=b --record=false", ""),
        ("label deploy web a=b --record --dry-run=client", ""),
    ] {
        let scale = format!("PATCH {path}/scale");
        let mut fake = answer().on(&format!("PATCH {path}"), Ok(web.clone())).on(&scale, Ok(web.clone()));
        let ran = fake.line(line);
        assert_eq!(ran.code, 0, "{line}: {}", ran.err);
        let causes = fake
            .log
            .iter()
            .filter_map(|(_, body)| body["metadata"]["annotations"]["kubernetes.io/change-cause"].as_str());
        assert_eq!(causes.collect::<String>(), cause, "{line}");
    }
}

#[test]
fn what_is_missing_is_said_as_kubectl_does() {
    for (line, err) in [
        ("create --raw /a -f /web.yaml --edit", "error: --raw and --edit are mutually exclusive\n"),
        ("create --raw /a -f /web.yaml -f /web.yaml", "error: --raw can only use a single local file or stdin\n"),
        ("replace --raw /a -f /web.yaml -o yaml", "error: --raw and --output are mutually exclusive\n"),
        ("set selector", "error: one selector is required\n"),
        ("auth reconcile", "error: must specify one of -f and -k\n"),
        ("explain pods --api-version=v2", "error: couldn't find resource for \"/v2, Resource=pods\"\n"),
    ] {
        let ran = Fake::default().with_all_resources().line(line);
        assert_eq!((ran.err.as_str(), ran.code), (err, 1), "{line}");
    }
    // A group of commands alone shows its help where errors go.
    for (line, code, out, err) in [
        ("set", 1, false, true),
        ("create secret", 1, false, true),
        ("rollout", 1, true, false),
        ("certificate", 0, true, false),
    ] {
        let ran = Fake::default().line(line);
        assert_eq!((ran.code, ran.out.contains("Usage:"), ran.err.contains("Usage:")), (code, out, err), "{line}");
    }
}

#[test]
fn warnings_may_be_errors() {
    let path = "/api/v1/namespaces/default/pods";
    let list = value!({"kind": "PodList", "items": (Vec::<drydock_value::Value>::new())});
    for (flag, more, code) in [("", "", 0), (" --warnings-as-errors", "error: 1 warning received\n", 1)] {
        let fake = Fake::default().with(path, list.clone());
        let ran =
            fake.warning(&format!("GET {path}"), "299 - \"pods are \\\"old\\\"\"").line(&format!("get pods{flag}"));
        let err = "Warning: pods are \"old\"\nNo resources found in default namespace.\n";
        assert_eq!((ran.err, ran.code), (format!("{err}{more}"), code));
    }
}

#[test]
fn versions_match_when_they_are_of_the_same_source() {
    let version = value!({"major": "1", "gitVersion": "v1.36.3", "gitTreeState": "clean"});
    let ran = Fake::default().with("/version", version).line("get ns --match-server-version");
    let words = "error: server version (&version.Info{Major:\"1\", Minor:\"\", ";
    assert!(ran.err.starts_with(words) && ran.code == 1, "{}", ran.err);
}

#[test]
fn what_is_said_before_anybody_is_asked() {
    let config = value!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "default"}, "data": {"k": "v"}
    });
    let missing = "error: You must provide one or more resources by argument or filename.\n";
    for (line, out, err) in [
        (
            "wait cm/c --for=jsonpath={.data.k}=v --for=create",
            "configmap/c condition met\nconfigmap/c condition met\n",
            "",
        ),
        (
            "wait cm/c --for=create --for=jsonpath={.data.k}=w --timeout=0s",
            "",
            "error: --timeout must be greater than 0 when --for=create is specified\n",
        ),
        ("alpha", "", "No alpha commands are available in this version of kubectl\n"),
        ("patch cm c -p {} --local", "", "error: cannot specify --local and server resources\n"),
        ("set env deploy/web A=b --local", "", missing),
        ("get cm --vmodule=x", "", "error: invalid argument \"x\" for \"--vmodule\" flag: syntax error: "),
        (
            "get cm --log-flush-frequency=x",
            "",
            "error: invalid argument \"x\" for \"--log-flush-frequency\" flag: parse error\n",
        ),
        ("edit cm c -o name", "", "error: unable to match a printer suitable for the output format \"name\", allowed "),
        ("certificate approve x -f /web.yaml", "", "error: resource/name arguments cannot be provided when a path is "),
        (
            "apply -f /web.yaml --subresource=status",
            "",
            "error: --subresource can only be specified for --server-side\n",
        ),
        ("proxy --unix-socket=/x --port=9", "", "error: cannot set --unix-socket and --port at the same time\n"),
        ("proxy --unix-socket=/x", "", "error: listen unix /x: "),
        ("get cm --certificate-authority=nope", "", "error: unable to read certificate-authority nope for "),
    ] {
        let ran = Fake::default().with_all_resources().object(&config).file("/web.yaml", FILES[0].1).line(line);
        assert!(
            ran.out == out && ran.err.starts_with(err) && (ran.err.is_empty() == err.is_empty()),
            "{line}: {ran:?}"
        );
    }
}

/// Commands and flags of kubectl that nothing acts on yet: whoever adds one takes it off here.
const NOT_YET: &[&str] = &[];

#[test]
fn every_flag_is_acted_on_or_listed() {
    let mut missing: Vec<String> = Vec::new();
    let table = crate::flags::table();
    for command in &table.commands {
        let Some(spec) = super::spec(command.path) else {
            // Groups only show their help.
            if table.children(command.path).next().is_none() && !matches!(command.path, "" | "options" | "help") {
                missing.push(command.path.to_owned());
            }
            continue;
        };
        let flags = command.flags.iter().filter(|flag| !spec.acts_on(flag.name));
        missing.extend(flags.map(|flag| format!("{} --{}", command.path, flag.name)));
    }
    assert_eq!(missing, NOT_YET);
}
