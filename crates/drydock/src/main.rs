//! The native command: an API server, kubectl, sessions from files, lessons proved, benchmarks.
//!
//! - `serve` is the cluster's API server over HTTP.
//! - `kubectl` is kubectl, for any cluster. A link of the name kubectl is it too.
//! - `session` plays a file of commands and prints what each did.
//! - `lesson` proves the exercises of lessons.
//! - `bench` measures.

// The native command stands outside the core: it has files, processes, a network and a wall clock.
#![allow(clippy::disallowed_types, clippy::disallowed_methods)]

mod bench;
mod kubectl;
mod lesson;
mod serve;
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
    /// Serves the API of a new cluster over HTTP on this machine.
    #[command(after_help = serve::EXAMPLES)]
    Serve(#[command(flatten)] Box<serve::Arguments>),
    /// Runs kubectl against the cluster that the kubeconfig names.
    #[command(disable_help_flag = true)]
    Kubectl {
        /// kubectl's own words.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<std::ffi::OsString>,
    },
    /// Plays a file of commands on a new cluster and prints one JSON object a command.
    #[command(after_help = session::EXAMPLES)]
    Session {
        /// The file: commands that begin with "$ ", comments that begin with "# ".
        file: PathBuf,
        /// The cluster: minikube (one node), two-nodes, kind (three nodes), a number of nodes, or a layout such as
        /// "control; worker*3,cpu=8,memory=16Gi,zone=a; gpu,taint=gpu=true:NoSchedule".
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
    Profile::named(name).ok_or_else(|| match drydock_session::layout::nodes(name) {
        Err(why) if name.contains([';', ',', '*']) => why,
        _ => "it is minikube, two-nodes, kind, a number of nodes, or a layout".into(),
    })
}

fn main() -> ExitCode {
    // kubectl's words are its own: they are not looked at here.
    let mut words = std::env::args_os();
    let called = words.next().map(PathBuf::from);
    let as_kubectl = called.is_some_and(|path| path.file_stem().is_some_and(|name| name == "kubectl"));
    if as_kubectl || std::env::args_os().nth(1).is_some_and(|word| word == "kubectl") {
        return kubectl::main(words.skip(usize::from(!as_kubectl)));
    }
    let outcome = match Arguments::parse().command {
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Kubectl { words } => return kubectl::main(words.into_iter()),
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
