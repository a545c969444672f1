//! Building the page into `dist/`: npm bundles, two wasm modules, lessons.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::process::{command, run, step};
use crate::{Outcome, root, tools, wasm};

/// What the page is built from; a build is current when none of it changed.
const SOURCES: &[&str] = &["Cargo.toml", "Cargo.lock", "Trunk.toml", "index.html", "crates", "web", "lessons"];
/// What lies in those folders without being a source.
const GENERATED: &[&str] = &["node_modules", "bundle", "generated", "target", "dist"];

/// Builds the page when its sources changed since the last build, and answers the folder to serve.
pub fn build() -> Outcome<PathBuf> {
    let dist = root().join("dist");
    let stamp = root().join("target/page.stamp");
    let sources = fingerprint()?;
    if dist.join("index.html").is_file() && std::fs::read_to_string(&stamp).is_ok_and(|built| built == sources) {
        println!("=> the page in dist/ is current");
        return Ok(dist);
    }
    let toolchain = wasm::toolchain()?;
    let (trunk, bindgen) = (tools::trunk()?, tools::wasm_bindgen()?);
    let web = root().join("web");
    tools::npm_packages(&web)?;
    step("taking the words of `kubectl explain` from the package that has them", || {
        let generated = web.join("generated");
        std::fs::create_dir_all(&generated).map_err(|error| format!("{}: {error}", generated.display()))?;
        let mut write = command("cargo", &root());
        write
            .args(["run", "--quiet", "--package", "drydock-descriptions", "--"])
            .arg(generated.join("descriptions.txt"));
        run(&mut write)
    })?;
    step("bundling the terminal and the editor", || run(command("npm", &web).args(["run", "--silent", "build"])))?;
    step("building the page in release mode (2 to 6 minutes the first time)", || {
        let mut build = command(&trunk, &root());
        let tools = [folder_of(&bindgen), web.join("node_modules/.bin")];
        build.args(["build", "--release", "--cargo-profile", "wasm"]).env("TRUNK_SKIP_VERSION_CHECK", "true");
        // Some environments set NO_COLOR=1, which trunk refuses to read as a boolean.
        build.env_remove("NO_COLOR");
        toolchain.prepare(&mut build, &tools);
        run(&mut build)
    })?;
    std::fs::write(&stamp, sources).map_err(|error| format!("{}: {error}", stamp.display()))?;
    crate::budgets::print(&dist)?;
    Ok(dist)
}

fn folder_of(program: &Path) -> PathBuf {
    program.parent().map(Path::to_path_buf).unwrap_or_default()
}

/// A digest of every source file's path and content.
fn fingerprint() -> Outcome<String> {
    let mut files = BTreeMap::new();
    for source in SOURCES {
        collect(&root().join(source), &mut files).map_err(|error| format!("{source}: {error}"))?;
    }
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

fn collect(path: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> std::io::Result<()> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
    if GENERATED.contains(&name) || !path.exists() {
        return Ok(());
    }
    if path.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        files.insert(path.to_path_buf(), std::fs::read(path)?);
    }
    Ok(())
}
