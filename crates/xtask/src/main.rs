//! `cargo xtask`: two commands that do everything on a fresh machine.
//!
//! - `run` sets up what is missing, builds the page and serves it on loopback.
//! - `test` sets up what tests need and runs all of them; `ci` is the same under its other name.
//! - `build` stops before serving; `bench` measures, natively and in wasm.
//!
//! Rooms: [`tools`] finds or installs what is missing, [`wasm`] knows how to compile for the browser here, [`page`]
//! builds what the browser loads, [`serve`] serves it, [`test`] is the list of checks, [`budgets`] the sizes,
//! [`process`] runs commands and says what it does.

mod budgets;
mod headless;
mod page;
mod process;
mod serve;
mod test;
mod tools;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Sets Drydock up, builds it, serves it, tests it.
#[derive(Parser)]
#[command(name = "cargo xtask", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sets up what is missing, builds the page in release mode, serves it on loopback and prints its address.
    Run {
        /// The port; 0 takes a free one.
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Sets up what is missing and builds the page into dist/.
    Build,
    /// Runs every test: formatting, lints, native, wasm, fidelity, lessons, budgets, browser.
    #[command(alias = "ci")]
    Test {
        /// Only the checks whose name contains this.
        #[arg(long)]
        only: Option<String>,
    },
    /// Prints the benchmarks, natively and in wasm.
    Bench {
        /// And those of webernetes, another cluster in the browser, at the same work.
        #[arg(long)]
        compare: bool,
    },
}

/// What every command may fail with: a sentence for a person, ending in what to do about it.
pub type Outcome<T = ()> = Result<T, String>;

/// The folder of the workspace.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).map_or(here.clone(), PathBuf::from)
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run { port } => page::build().and_then(|dist| serve::forever(&dist, port)),
        Command::Build => page::build().map(drop),
        Command::Test { only } => test::all(only.as_deref()),
        Command::Bench { compare } => headless::bench(compare),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
