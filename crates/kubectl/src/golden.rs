//! What real kubectl 1.36.4 printed, without a server: every line of `tests/data/*.jsonl` is a command line with its
//! output, errors and exit code. The first line holds the files that are there to begin with.

use drydock_value::{Value, parse_json};

use crate::testing::Fake;

const NUMBERS: &str = "numbers of objects that kubectl makes itself are floats there";
const ORDER: &str = "maps have no order there";

/// Command lines that are known to differ, with the reason. One that no longer differs fails the test.
const KNOWN_GAPS: &[(&str, &str)] = &[
    ("config get-clusters x", "real kubectl lists clusters in no order"),
    (
        "create deployment web --image=nginx --replicas=3 --port=80 --dry-run=client -o jsonpath={.spec.template.spec.containers[?(@.ports[0].containerPort>79)].name}",
        NUMBERS,
    ),
    (
        "create deployment web --image=nginx --replicas=3 --port=80 --dry-run=client -o jsonpath={.spec.template.spec.containers[?(@.ports[0].containerPort<=80)].name}",
        NUMBERS,
    ),
    (
        "create deployment web --image=nginx --replicas=3 --port=80 --dry-run=client -o jsonpath={.spec.replicas[0]}",
        NUMBERS,
    ),
    ("create deployment web --image=nginx --replicas=3 --port=80 --dry-run=client -o jsonpath={.*}", ORDER),
    ("create deployment web --image=nginx --replicas=3 --port=80 --dry-run=client -o jsonpath={.spec.*}", ORDER),
];

/// Whether output differs on purpose: help texts are in our own words.
fn is_help(text: &str) -> bool {
    text.contains("Use \"kubectl options\" for a list of global command-line options")
}

/// Without the line of raw data: for objects that kubectl makes it stands in the order of Go's types, here by name.
fn comparable(text: &str) -> String {
    let mut lines = Vec::new();
    let mut raw = false;
    for line in text.split('\n') {
        lines.push(if std::mem::replace(&mut raw, line == "\traw data was:") { "" } else { line });
    }
    lines.join("\n")
}

fn check(transcript: &str) {
    let mut lines = transcript.lines().map(|line| parse_json(line).unwrap());
    let setup = lines.next().unwrap();
    let mut fake = Fake::default();
    for (path, text) in setup["files"].entries() {
        fake = fake.file(&format!("/home/{path}"), text.str());
    }
    let mut wrong = Vec::new();
    for case in lines {
        let words: Vec<&str> = case["args"].items().iter().map(Value::str).collect();
        let line = words.join(" ");
        let mut env = crate::Env::of(&words);
        env.home = "/home".into();
        env.cwd = "/home".into();
        let ran = fake.run_in(env);
        let out_differs = comparable(&ran.out) != comparable(case["out"].str()) && !is_help(case["out"].str());
        let differs = out_differs || ran.err != case["err"].str() || i64::from(ran.code) != case["code"].int();
        let known = KNOWN_GAPS.iter().find(|(gap, _)| *gap == line);
        match (differs, known) {
            (false, None) | (true, Some(_)) => {}
            (false, Some((_, why))) => wrong.push(format!("$ {line}\nno longer differs ({why})\n")),
            (true, None) => wrong.push(format!(
                "$ {line}\n-{:?}\n-{:?} {}\n+{:?}\n+{:?} {}\n",
                case["out"].str(),
                case["err"].str(),
                case["code"],
                ran.out,
                ran.err,
                ran.code
            )),
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn config() {
    check(include_str!("../tests/data/config.jsonl"));
}

#[test]
fn templates() {
    check(include_str!("../tests/data/templates.jsonl"));
}

#[test]
fn errors() {
    check(include_str!("../tests/data/errors.jsonl"));
}

#[test]
fn local() {
    check(include_str!("../tests/data/local.jsonl"));
}
