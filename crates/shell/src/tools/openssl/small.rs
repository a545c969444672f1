//! What needs no keys: `rand`, `base64`, digests, `version`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use drydock_pki::sha256;

use super::options::{Options, Spec};
use super::{Call, Done, Failure, chance, file, input, output};
use crate::tools::digest::{Md5, Sha1};

pub(super) const RAND: Spec = "hex base64 out=";
pub(super) const BASE64: Spec = "d e A a base64 in= out=";
pub(super) const DIGEST: Spec = "hex r c binary out=";

const VERSION: &str = "OpenSSL 3.5.4 30 Sep 2025";
/// No more is made at once.
const RANDOM_MAX: usize = 16 << 20;

pub(super) fn version(call: &mut Call<'_, '_>, _options: &Options) -> Done {
    call.print(&format!("{VERSION} (Library: {VERSION})\n"));
    Ok(0)
}

/// Lines of base64, of 64 letters unless there is to be only one.
fn lines(bytes: &[u8], one: bool) -> String {
    let text = BASE64_STANDARD.encode(bytes);
    let width = if one { text.len().max(1) } else { 64 };
    (0..text.len()).step_by(width).map(|at| format!("{}\n", &text[at..text.len().min(at + width)])).collect()
}

pub(super) fn rand(call: &mut Call<'_, '_>, options: &Options) -> Done {
    let [count] = options.rest.as_slice() else {
        call.sys.eprint("rand: Use -help for summary.\n");
        return Err(Failure::Usage);
    };
    let Some(count) = count.parse().ok().filter(|count| *count <= RANDOM_MAX) else {
        return Err(Failure::Said(format!("rand: Can't parse \"{count}\" as a number\nrand: Use -help for summary.")));
    };
    let bytes = chance(call, count);
    let out = if options.has("hex") {
        format!("{}\n", hex(&bytes)).into_bytes()
    } else if options.has("base64") {
        lines(&bytes, false).into_bytes()
    } else {
        bytes
    };
    output(call, options, &out, false)?;
    Ok(0)
}

pub(super) fn base64(call: &mut Call<'_, '_>, options: &Options) -> Done {
    if options.command == "enc" && !options.has("base64") && !options.has("a") {
        return Err(Failure::Said("enc: ciphers are not simulated".into()));
    }
    let bytes = input(call, options, "data")?;
    let out = if options.has("d") {
        let text: Vec<u8> = bytes.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
        BASE64_STANDARD.decode(text).unwrap_or_default()
    } else {
        let text = lines(&bytes, options.has("A"));
        if options.has("A") { text.trim_end().as_bytes().to_vec() } else { text.into_bytes() }
    };
    output(call, options, &out, false)?;
    Ok(0)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-1 of some bytes.
pub(super) fn sha1(bytes: &[u8]) -> Vec<u8> {
    let mut digest = Sha1::new();
    digest.update(bytes);
    digest.finish()
}

pub(super) fn digest(call: &mut Call<'_, '_>, options: &Options) -> Done {
    let asked = options.flags().find(|flag| matches!(*flag, "md5" | "sha1" | "sha384" | "sha512"));
    let kind = if options.command == "dgst" { asked.unwrap_or("sha256") } else { options.command };
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for path in &options.rest {
        files.push((path.clone(), file(call, path, "data")?));
    }
    if files.is_empty() {
        files.push(("stdin".into(), std::mem::take(&mut call.input)));
    }
    for (name, bytes) in files {
        call.sys.charge((bytes.len() / 64) as u32);
        let (title, digest) = match kind {
            "md5" => {
                let mut digest = Md5::new();
                digest.update(&bytes);
                ("MD5", digest.finish())
            }
            "sha1" => ("SHA1", sha1(&bytes)),
            "sha512" => ("SHA2-512", drydock_pki::sha512::digest(&[&bytes]).to_vec()),
            "sha256" => ("SHA2-256", sha256::digest(&bytes).to_vec()),
            other => return Err(Failure::Said(format!("dgst: {other} is not simulated"))),
        };
        let out = if options.has("binary") {
            digest
        } else if options.has("r") {
            format!("{} *{name}\n", hex(&digest)).into_bytes()
        } else {
            format!("{title}({name})= {}\n", hex(&digest)).into_bytes()
        };
        output(call, options, &out, false)?;
    }
    Ok(0)
}
