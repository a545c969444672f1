//! `drydock-descriptions OUT`: writes the blob of descriptions to a file, for the page.
#![allow(clippy::disallowed_methods, reason = "a tool for the build: writes a file")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(out) = std::env::args_os().nth(1) else {
        eprintln!("usage: drydock-descriptions OUT");
        return ExitCode::from(2);
    };
    match std::fs::write(&out, drydock_descriptions::TEXT) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("drydock-descriptions: {}: {error}", out.display());
            ExitCode::FAILURE
        }
    }
}
