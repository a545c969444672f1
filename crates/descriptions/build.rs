//! Makes the blob of descriptions, once.
#![allow(clippy::disallowed_methods, reason = "a build script reads files and runs cargo")]

#[path = "src/extract.rs"]
mod extract;

use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/extract.rs");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    if let Err(error) = extract::write(&folder.join("descriptions.txt")) {
        println!("cargo::error={error}");
    }
}
