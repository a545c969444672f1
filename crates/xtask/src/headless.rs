//! The core as wasm under Node: for the test that both builds agree, and for the benchmarks.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{command, output, run, step};
use crate::{Outcome, root, tools, wasm};

/// Builds `crates/headless` for Node and answers the folder of its module.
fn build() -> Outcome<PathBuf> {
    let toolchain = wasm::toolchain()?;
    let bindgen = tools::wasm_bindgen()?;
    step("building the core as wasm for Node", || {
        let mut build = command(toolchain.cargo(), &root());
        // Together with the page's library, so that what both need is built once, with the same features.
        build.args([
            "build",
            "--quiet",
            "--package",
            "drydock-headless",
            "--package",
            "drydock-playground",
            "--lib",
            "--profile",
            "wasm",
            "--target",
            wasm::TARGET,
        ]);
        toolchain.prepare(&mut build, &[]);
        run(&mut build)
    })?;
    let folder = root().join("target/headless");
    let module = root().join("target").join(wasm::TARGET).join("wasm/drydock_headless.wasm");
    run(command(bindgen, &root()).args(["--target", "nodejs", "--out-dir"]).arg(&folder).arg(module))?;
    Ok(folder)
}

fn node(folder: &std::path::Path, script: &str) -> Command {
    let mut node = command("node", folder);
    node.args(["-e", script]);
    node
}

/// The digest of the scenario's event log, natively and in wasm: they must be equal.
pub fn same_log() -> Outcome {
    let folder = build()?;
    let native = output(crate::test::native_command()?.arg("digest")).ok_or("`drydock digest` failed")?;
    let script = "console.log(require('./drydock_headless.js').digest())";
    let wasm = output(&mut node(&folder, script)).ok_or("the wasm module failed under Node")?;
    if native == wasm {
        println!("event log digest, natively and in wasm: {native}");
        Ok(())
    } else {
        Err(format!("the event logs differ: {native} natively, {wasm} in wasm"))
    }
}

/// Prints the benchmarks of both builds, and of what they are compared with.
pub fn bench(compare: bool) -> Outcome {
    let folder = build()?;
    println!("natively:");
    run(command("cargo", &root()).args(["run", "--quiet", "--release", "--package", "drydock", "--", "bench"]))?;
    println!("in wasm, under Node:");
    run(&mut node(&folder, "process.stdout.write(require('./drydock_headless.js').bench(false))"))?;
    if compare { webernetes() } else { Ok(()) }
}

/// Prints what webernetes needs for the same work, under the same Node.
fn webernetes() -> Outcome {
    let folder = root().join("crates/headless/compare");
    tools::npm_packages(&folder)?;
    // Its modules name each other without extensions, which only a bundler understands.
    let bundle = root().join("target/compare/webernetes.mjs");
    run(command(folder.join("node_modules/.bin/esbuild"), &folder)
        .args(["webernetes.mjs", "--bundle", "--platform=node", "--format=esm", "--log-level=error"])
        .arg(format!("--outfile={}", bundle.display())))?;
    println!("webernetes, under Node:");
    run(command("node", &folder).arg(bundle))
}
