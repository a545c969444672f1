//! `openssl`: keys, requests for certificates, certificates, digests. Its words are those of version 3.5.
//!
//! Keys are RSA's or Ed25519's. They are good for what a learner does with a cluster, and for nothing secret
//! ([`drydock_pki`]).

mod ask;
mod certificates;
mod configuration;
mod keys;
mod options;
mod requests;
mod show;
mod small;

use drydock_pki::der::read_pem;

use super::Call;
use options::{Options, Spec};

/// What a command answers: an exit code.
type Done = Result<i32, Failure>;

/// Why a command ends early.
enum Failure {
    /// With a message, which is printed.
    Said(String),
    /// Its use was wrong, and that was said.
    Usage,
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Said(message)
    }
}

/// What runs a command.
type Command = fn(&mut Call<'_, '_>, &Options) -> Done;

/// The commands: name, options, function.
const COMMANDS: &[(&str, Spec, Command)] = &[
    ("base64", small::BASE64, small::base64),
    ("dgst", small::DIGEST, small::digest),
    ("enc", small::BASE64, small::base64),
    ("genpkey", keys::GENPKEY, keys::genpkey),
    ("genrsa", keys::GENRSA, keys::genrsa),
    ("pkey", keys::PKEY, keys::pkey),
    ("rand", small::RAND, small::rand),
    ("req", requests::OPTIONS, requests::run),
    ("rsa", keys::PKEY, keys::pkey),
    ("sha1", small::DIGEST, small::digest),
    ("sha256", small::DIGEST, small::digest),
    ("md5", small::DIGEST, small::digest),
    ("verify", certificates::VERIFY, certificates::verify),
    ("version", "a v", small::version),
    ("x509", certificates::OPTIONS, certificates::run),
];

/// The program, which asks where it must.
pub(super) fn program() -> Box<dyn crate::Program> {
    Box::new(ask::OpenSsl::default())
}

fn run(call: &mut Call<'_, '_>) -> i32 {
    let name = call.args.first().cloned().unwrap_or_else(|| "help".into());
    let Some((name, spec, command)) = COMMANDS.iter().find(|(known, ..)| *known == name) else {
        if name == "help" {
            let names: Vec<&str> = COMMANDS.iter().map(|(name, ..)| *name).collect();
            call.print(&format!("Standard commands\n{}\n", names.join(" ")));
            return 0;
        }
        call.sys.eprint(&format!("Invalid command '{name}'; type \"help\" for a list.\n"));
        return 1;
    };
    let done = Options::parse(name, spec, &call.args[1..]).and_then(|options| command(call, &options));
    match done {
        Ok(code) => code,
        Err(Failure::Said(message)) => {
            call.flush();
            call.sys.eprint(&format!("{message}\n"));
            1
        }
        Err(Failure::Usage) => 1,
    }
}

/// Whether a command reads standard input.
pub(super) fn reads_input(words: &[String]) -> bool {
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    match words.first().map(String::as_str) {
        Some("dgst" | "sha256" | "sha1" | "md5") => !words[1..].iter().any(|word| !word.starts_with('-')),
        Some("req") => !has(&["-in", "-new", "-x509", "-newkey", "-help"]),
        Some("x509" | "rsa" | "pkey" | "base64" | "enc") => !has(&["-in", "-help", "-new"]),
        _ => false,
    }
}

/// The bytes of `-in`, or of standard input.
fn input(call: &mut Call<'_, '_>, options: &Options, what: &str) -> Result<Vec<u8>, Failure> {
    match options.value("in") {
        Some(path) => file(call, path, what),
        None => Ok(std::mem::take(&mut call.input)),
    }
}

/// A file's bytes.
fn file(call: &mut Call<'_, '_>, path: &str, what: &str) -> Result<Vec<u8>, Failure> {
    let absolute = call.sys.path(path);
    call.sys
        .read_file(&absolute)
        .map_err(|error| Failure::Said(format!("Could not open file or uri for loading {what} from {path}: {error}")))
}

/// The first block of some PEM, or what is not text, as DER.
fn block(bytes: &[u8]) -> Option<(String, Vec<u8>)> {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.contains("-----BEGIN") => read_pem(text),
        _ if bytes.first() == Some(&0x30) => Some((String::new(), bytes.to_vec())),
        _ => None,
    }
}

/// Puts bytes where `-out` says, or on standard output.
fn output(call: &mut Call<'_, '_>, options: &Options, bytes: &[u8], private: bool) -> Result<(), Failure> {
    let Some(path) = options.value("out") else {
        call.put(bytes);
        return Ok(());
    };
    write(call, path, bytes, private)
}

/// Writes a file, which only its owner may read if it is private.
fn write(call: &mut Call<'_, '_>, path: &str, bytes: &[u8], private: bool) -> Result<(), Failure> {
    let absolute = call.sys.path(path);
    let written = call.sys.files().write(&absolute, bytes);
    written.map_err(|error| Failure::Said(format!("Can't open \"{path}\" for writing, {error}")))?;
    if private {
        let _ = call.sys.files().chmod(&absolute, 0o600);
    }
    Ok(())
}

/// Bytes of chance.
fn chance(call: &mut Call<'_, '_>, length: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        out.extend(call.sys.random().to_le_bytes());
    }
    out.truncate(length);
    out
}
