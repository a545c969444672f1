//! The recordings of a real cluster, played in Drydock: the same commands must print the same.
//!
//! `known-gaps.txt` lists what does not yet. It is a list of known failures, not of tests to skip: a listed command
//! that has become equal fails the test too, so that the list stays true. `UPDATE_KNOWN_GAPS=1` writes it anew.

mod mask;

use drydock_sorted::Sort;
use drydock_sorted::SortedSet;
use std::path::{Path, PathBuf};

use drydock_session::{Options, Profile, Session};
use drydock_value::{Value, parse_json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fidelity")
}

#[allow(clippy::disallowed_methods, reason = "a test reads its recordings")]
fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One command's outcome in comparable lines.
fn comparable(stdout: &str, stderr: &str, code: i64) -> Vec<String> {
    let mut lines = mask::lines(stdout);
    lines.push("--".into());
    lines.extend(mask::lines(stderr));
    lines.push(format!("code {code}"));
    lines
}

fn play(name: &str) -> Vec<(String, bool)> {
    let mut session = Session::new(Options { profile: Profile::TwoNodes, ..Options::default() });
    session.describe(drydock_descriptions::TEXT.as_bytes()).expect("the build script made them");
    let recorded = read(&folder().join("expected").join(format!("{name}.jsonl")));
    let expected: Vec<Value> = recorded.lines().map(|line| parse_json(line).expect("a recording is JSON")).collect();
    let mut outcomes = Vec::new();
    for (number, want) in expected.iter().enumerate() {
        let got = session.run(want["cmd"].str());
        let same = comparable(want["stdout"].str(), want["stderr"].str(), want["code"].int())
            == comparable(&got.stdout, &got.stderr, got.code.into());
        outcomes.push((format!("{name} {}", number + 1), same));
    }
    outcomes
}

#[allow(clippy::disallowed_methods, reason = "the list is written anew when asked for")]
#[test]
fn recorded_commands_answer_alike() {
    let mut sessions: Vec<String> = std::fs::read_dir(folder().join("expected"))
        .expect("the recordings are there")
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    sessions.sort_compact();
    let list = folder().join("known-gaps.txt");
    let known: SortedSet<String> = read(&list).lines().map(str::to_owned).filter(|line| !line.is_empty()).collect();
    let mut gaps = Vec::new();
    let mut total = 0;
    for session in &sessions {
        let outcomes = play(session);
        total += outcomes.len();
        gaps.extend(outcomes.into_iter().filter(|(_, same)| !same).map(|(command, _)| command));
    }
    println!("{} of {total} commands identical", total - gaps.len());
    if std::env::var("UPDATE_KNOWN_GAPS").is_ok() {
        std::fs::write(&list, gaps.join("\n") + "\n").expect("the list can be written");
        return;
    }
    let gaps: SortedSet<String> = gaps.into_iter().collect();
    let new: Vec<&String> = gaps.difference(&known).collect();
    let mended: Vec<&String> = known.difference(&gaps).collect();
    assert!(new.is_empty(), "these commands no longer answer as recorded (session, number): {new:#?}");
    assert!(mended.is_empty(), "these answer as recorded now; take them off known-gaps.txt: {mended:#?}");
}
