//! Compiling for the browser: rustup's wasm target where it can be had, else Debian's second toolchain.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{command, output, run, step};
use crate::{Outcome, root};

/// The target triple of the browser.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Which compiler builds for the browser.
pub enum Toolchain {
    /// The one that builds natively has the target's standard library.
    Native,
    /// Debian's rustc-web with its sources: the standard library is built along, once per target folder.
    Debian {
        /// The linker, which Debian's packages do not bring.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Sets what a build for the browser needs on `command`, and puts `tools` on its PATH first.
    pub fn prepare(&self, command: &mut Command, tools: &[PathBuf]) {
        let mut folders: Vec<PathBuf> = tools.to_vec();
        if let Toolchain::Debian { linker } = self {
            folders.insert(0, PathBuf::from("/usr/bin"));
            command
                .env("RUSTC", "/usr/bin/rustc")
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", "-Clinker-flavor=wasm-ld");
            // Cargo hands these to what it runs; they would call rustup's cargo back in.
            command.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
        }
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        folders.extend(std::env::split_paths(&inherited));
        let path = std::env::join_paths(folders).unwrap_or(inherited);
        command.env("PATH", path);
    }

    /// The cargo that goes with the compiler.
    pub fn cargo(&self) -> &'static str {
        match self {
            Toolchain::Native => "cargo",
            Toolchain::Debian { .. } => "/usr/bin/cargo",
        }
    }
}

fn sysroot() -> Option<PathBuf> {
    output(command("rustc", &root()).args(["--print", "sysroot"])).map(PathBuf::from)
}

fn has_target(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir()
}

/// Finds a toolchain for the browser, or installs one.
pub fn toolchain() -> Outcome<Toolchain> {
    let sysroot = sysroot().ok_or("rustc is not there: install Rust from https://rustup.rs")?;
    if has_target(&sysroot) {
        return Ok(Toolchain::Native);
    }
    let linker = sysroot.join("lib/rustlib").join(host_triple()?).join("bin/rust-lld");
    if debian_toolchain_is_there() {
        return Ok(Toolchain::Debian { linker });
    }
    let by_rustup = step("adding the wasm target (rustup target add)", || {
        run(command("rustup", &root()).args(["target", "add", TARGET]))
    });
    if by_rustup.is_ok() && has_target(&sysroot) {
        return Ok(Toolchain::Native);
    }
    step("rustup cannot bring it: installing Debian's wasm toolchain (about 1 minute)", || {
        crate::tools::apt_install(&["rustc-web", "cargo-web", "rust-web-src"])
    })
    .map_err(|why| {
        format!("no toolchain for {TARGET}: {why}. Run `rustup target add {TARGET}` yourself, then try again")
    })?;
    Ok(Toolchain::Debian { linker })
}

fn host_triple() -> Outcome<String> {
    let about = output(command("rustc", &root()).arg("-vV")).ok_or("rustc -vV does not answer")?;
    about
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| "rustc -vV names no host".to_owned())
}

fn debian_toolchain_is_there() -> bool {
    let installed = |package: &str| {
        output(Command::new("dpkg-query").args(["-W", "-f=${Status}", package]))
            .is_some_and(|status| status.ends_with(" installed"))
    };
    ["rustc-web", "cargo-web", "rust-web-src"].into_iter().all(installed)
}
