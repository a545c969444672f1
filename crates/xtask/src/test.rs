//! The list of checks. Cheap ones come first, so that a mistake shows early; all of them run, and what failed is named
//! at the end.

use std::path::PathBuf;
use std::time::Instant;

use crate::process::{command, run};
use crate::{Outcome, budgets, headless, page, root, serve, tools};

type Check = fn() -> Outcome;

/// Name and work of every check, in order.
const CHECKS: &[(&str, Check)] = &[
    ("formatting", formatting),
    ("lints", lints),
    ("native", native),
    ("lessons", lessons),
    ("same-log", headless::same_log),
    ("page", page),
    ("budgets", sizes),
    ("browser", browser),
];

/// Runs the checks whose name contains `only`, or all.
pub fn all(only: Option<&str>) -> Outcome {
    let mut failed = Vec::new();
    let mut passed = 0;
    for (name, check) in CHECKS {
        if only.is_some_and(|only| !name.contains(only)) {
            continue;
        }
        println!("\n== {name}");
        let start = Instant::now();
        match check() {
            Ok(()) => {
                passed += 1;
                println!("== {name}: passed in {:.0} s", start.elapsed().as_secs_f64());
            }
            Err(why) => {
                println!("== {name}: FAILED: {why}");
                failed.push(*name);
            }
        }
    }
    println!("\nchecks: {passed} passed, {} failed", failed.len());
    match (failed.is_empty(), passed) {
        (true, 0) => Err("no check has that name".into()),
        (true, _) => Ok(()),
        (false, _) => Err(format!("failed: {}", failed.join(", "))),
    }
}

fn cargo(arguments: &[&str]) -> Outcome {
    run(command("cargo", &root()).args(arguments))
}

fn formatting() -> Outcome {
    cargo(&["fmt", "--all", "--check"])
}

/// Every crate, the page's too: it compiles natively, though it runs only in a browser.
fn lints() -> Outcome {
    cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"])
}

/// Unit, property and fidelity tests of every crate; the page's too, as far as they need no browser. The real kubectl
/// types the recorded sessions as well, where it can be had.
fn native() -> Outcome {
    let mut tests = command("cargo", &root());
    tests.args(["test", "--quiet", "--workspace"]);
    match tools::kubectl() {
        Ok(kubectl) => {
            tests.env("KUBECTL", kubectl);
        }
        Err(why) => println!("   no real kubectl: {why}. Its tests are skipped"),
    }
    run(&mut tests)
}

/// The native command, built as the tests build it: alone, it and all below would be compiled again, with the features
/// that it alone asks for.
pub fn native_command() -> Outcome<std::process::Command> {
    cargo(&["build", "--quiet", "--workspace", "--bins"])?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(command(target.join("debug/drydock"), &root()))
}

/// Every exercise is unsolved at the start and solved after its solution.
fn lessons() -> Outcome {
    run(native_command()?.args(["lesson", "check", "lessons"]))
}

fn page() -> Outcome {
    page::build().map(drop)
}

fn sizes() -> Outcome {
    budgets::check(&root().join("dist"))
}

/// What a person does, in real Chromium, against the built page.
fn browser() -> Outcome {
    let chromium = tools::chromium()?;
    let tests: PathBuf = root().join("tests/browser");
    tools::npm_packages(&tests)?;
    let address = serve::background(&page::build()?)?;
    run(command("npm", &tests).args(["test", "--silent"]).env("DRYDOCK_URL", address).env("CHROMIUM", chromium))
}
