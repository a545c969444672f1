//! The native command: sessions from files, lessons proved, benchmarks.
//!
//! - `session` plays a file of commands and prints what each did.
//! - `lesson` proves the exercises of lessons.
//! - `bench` measures.

mod bench;
mod lesson;
mod session;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use drydock_session::Profile;

/// A Kubernetes cluster in a process.
#[derive(Parser)]
#[command(name = "drydock", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plays a file of commands on a new cluster and prints one JSON object a command.
    #[command(after_help = session::EXAMPLES)]
    Session {
        /// The file: commands that begin with "$ ", comments that begin with "# ".
        file: PathBuf,
        /// The cluster: minikube (one node), two-nodes, or a number of nodes.
        #[arg(long, default_value = "two-nodes", value_parser = profile)]
        profile: Profile,
        /// What every choice by chance follows from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Works on lessons.
    Lesson {
        #[command(subcommand)]
        command: LessonCommand,
    },
    /// Measures how fast the core is.
    #[command(after_help = bench::EXAMPLES)]
    Bench {
        /// One JSON object a figure: name, value, unit.
        #[arg(long)]
        json: bool,
        /// Leaves out what takes more than a few seconds.
        #[arg(long)]
        quick: bool,
    },
    /// Prints the digest of a fixed course of events: equal on every machine and in wasm.
    Digest,
}

#[derive(Subcommand)]
enum LessonCommand {
    /// Proves exercises: each task is unsolved before its solution, and solved after it.
    #[command(after_help = lesson::EXAMPLES)]
    Check {
        /// A lesson's Markdown file, a lesson's folder, or a folder of lessons.
        path: PathBuf,
    },
}

fn profile(name: &str) -> Result<Profile, String> {
    Profile::named(name).ok_or_else(|| "it is minikube, two-nodes or a number of nodes".into())
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Session { file, profile, seed } => session::play(&file, profile, seed),
        Command::Lesson { command: LessonCommand::Check { path } } => lesson::check(&path),
        Command::Bench { json, quick } => bench::run(json, quick),
        Command::Digest => {
            println!("{}", drydock_session::scenario::digest(1));
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("drydock: {why}");
            ExitCode::FAILURE
        }
    }
}
