//! Certificates: `x509`, `verify`.

use drydock_pki::certificate::Certificate;
use drydock_pki::der::{OCTETS, children, element, wrap, write_pem};
use drydock_pki::extension::{self, hex};
use drydock_pki::request;
use drydock_pki::{rsa, sha256};
use drydock_value::Time;

use super::configuration::Configuration;
use super::keys::Key;
use super::options::{Options, Spec};
use super::{Call, Done, Failure, block, chance, file, input, output, show, write};

pub(super) const OPTIONS: Spec = "in= out= noout text subject issuer dates startdate enddate serial fingerprint pubkey modulus \
    ext= checkend= req CA= CAkey= CAcreateserial CAserial= set_serial= days= extfile= extensions= signkey= key= \
    copy_extensions= inform= outform= nameopt= certopt= new subj= hash subject_hash email passin=";
pub(super) const VERIFY: Spec = "CAfile= untrusted= verbose show_chain";

/// Seconds.
pub(super) const DAY: u64 = 86_400;

/// What tells a public key (DER) from others: a digest of its bits.
pub(super) fn identifier(key: &[u8]) -> Vec<u8> {
    let bits = element(key).and_then(|(_, content, _)| Some(children(content).get(1)?.1.get(1..)?.to_vec()));
    super::small::sha1(&bits.unwrap_or_default())
}

/// A number for a certificate: the one that is given, or one by chance.
pub(super) fn serial(call: &mut Call<'_, '_>, options: &Options) -> Result<Vec<u8>, Failure> {
    if options.has("set_serial") {
        let text = options.value("set_serial").unwrap_or_default();
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        let number = number.ok_or_else(|| Failure::Said("x509: Error setting serial number".into()))?;
        let bytes = drydock_pki::der::integer(&number.to_be_bytes());
        return Ok(bytes[2..].to_vec());
    }
    let mut bytes = chance(call, 20);
    bytes[0] = bytes[0] & 0x7f | 1;
    Ok(bytes)
}

/// A certificate of a file.
fn load(call: &mut Call<'_, '_>, path: &str, what: &str) -> Result<(Certificate, Vec<u8>), Failure> {
    let bytes = file(call, path, what)?;
    let der = block(&bytes).map(|(_, der)| der).unwrap_or_default();
    let (certificate, _) =
        Certificate::read(&der).ok_or_else(|| Failure::Said(format!("Could not find {what} from {path}")))?;
    Ok((certificate, der))
}

pub(super) fn run(call: &mut Call<'_, '_>, options: &Options) -> Done {
    let der = if options.has("req") {
        sign(call, options)?
    } else {
        let bytes = input(call, options, "certificate")?;
        let der =
            block(&bytes).filter(|(kind, _)| kind.is_empty() || kind.ends_with("CERTIFICATE")).map(|(_, der)| der);
        let place = options.value("in").unwrap_or("<stdin>");
        der.ok_or_else(|| Failure::Said(format!("Could not find certificate from {place}")))?
    };
    let Some((certificate, [_, algorithm, signature])) = Certificate::read(&der) else {
        return Err(Failure::Said("Could not find certificate".into()));
    };
    // In the order of the call, as the real one prints them.
    let mut text = String::new();
    for flag in options.flags() {
        text.push_str(&match flag {
            "text" => show::certificate(&certificate, &algorithm, &signature),
            "subject" => format!("subject={}\n", show::name(&certificate.subject)),
            "issuer" => format!("issuer={}\n", show::name(&certificate.issuer)),
            "serial" => format!("serial={}\n", show::upper(&certificate.serial)),
            "startdate" => format!("notBefore={}\n", show::moment(certificate.validity[0])),
            "enddate" => format!("notAfter={}\n", show::moment(certificate.validity[1])),
            "dates" => {
                let [from, until] = certificate.validity.map(show::moment);
                format!("notBefore={from}\nnotAfter={until}\n")
            }
            "fingerprint" if options.has("sha256") => format!("sha256 Fingerprint={}\n", hex(&sha256::digest(&der))),
            "fingerprint" => format!("SHA1 Fingerprint={}\n", hex(&super::small::sha1(&der))),
            "pubkey" => write_pem("PUBLIC KEY", &certificate.key),
            "modulus" => match rsa::read_public(&certificate.key) {
                Some((modulus, _)) => format!("Modulus={}\n", show::upper(&modulus)),
                None => "No modulus for this public key type\n".into(),
            },
            "ext" => show::chosen(&certificate, options.value("ext").unwrap_or_default()),
            _ => continue,
        });
    }
    call.print(&text);
    if options.has("checkend") {
        let at = call.sys.now().seconds() + options.number("checkend", 0)?;
        let expires = certificate.validity[1].seconds() < at;
        call.print(if expires { "Certificate will expire\n" } else { "Certificate will not expire\n" });
        return Ok(i32::from(expires));
    }
    if !options.has("noout") {
        let binary = options.value("outform").is_some_and(|form| form.eq_ignore_ascii_case("der"));
        let bytes = if binary { der } else { write_pem("CERTIFICATE", &der).into_bytes() };
        output(call, options, &bytes, false)?;
    }
    Ok(0)
}

/// Signs a request, with an authority's key or the one that it is about (DER).
fn sign(call: &mut Call<'_, '_>, options: &Options) -> Result<Vec<u8>, Failure> {
    let text = String::from_utf8_lossy(&input(call, options, "certificate request")?).into_owned();
    let place = options.value("in").unwrap_or("<stdin>").to_owned();
    let (Some(asked), Some(signed)) = (request::asked(&text), request::signed(&text)) else {
        return Err(Failure::Said(format!("Unable to load X509 request from {place}")));
    };
    if rsa::read_public(&asked.key).is_some() && !super::requests::verifies(&asked, &signed)? {
        return Err(Failure::Said("Certificate request self-signature did not match the contents".into()));
    }
    let subject = show::name(&asked.name);
    call.sys.eprint(&format!("Certificate request self-signature ok\nsubject={subject}\n"));
    let (issuer, key, serial) = match options.value("CA") {
        Some(path) => {
            let (authority, _) = load(call, path, "CA certificate")?;
            let key = Key::load(call, options.value("CAkey").unwrap_or(path))?;
            if key.public() != authority.key {
                return Err(Failure::Said("x509: CA certificate and CA private key do not match".into()));
            }
            let serial = next_serial(call, options, path)?;
            (Some(authority), key, serial)
        }
        None => {
            let Some(path) = options.value("signkey").or_else(|| options.value("key")) else {
                return Err(Failure::Said(
                    "x509: We need a private key to sign with, use -signkey or -CAkey or -CA with private key".into(),
                ));
            };
            let key = Key::load(call, path)?;
            (None, key, self::serial(call, options)?)
        }
    };
    let own = identifier(&asked.key);
    let others = issuer.as_ref().map_or_else(|| own.clone(), known_identifier);
    let mut extensions = match options.value("extfile") {
        Some(path) => {
            let text = file(call, path, "configuration")?;
            let file = Configuration::parse(&String::from_utf8_lossy(&text));
            let section = options.value("extensions").or_else(|| file.get("", "extensions")).unwrap_or("").to_owned();
            file.extensions(&section, [&own, &others])?
        }
        None => {
            let none = Configuration::default();
            let mut out = none.extension("subjectKeyIdentifier", "hash", [&own, &others])?;
            out.extend(none.extension("authorityKeyIdentifier", "keyid", [&own, &others])?);
            out
        }
    };
    if options.value("copy_extensions").is_some_and(|how| how.starts_with("copy")) {
        extensions.splice(0..0, asked.extensions.iter().copied());
    }
    let now = Time::from_seconds(call.sys.now().seconds());
    let until = Time::from_seconds(now.seconds() + options.number("days", 30)? * DAY);
    let certificate = Certificate {
        serial,
        issuer: issuer.map_or_else(|| asked.name.clone(), |authority| authority.subject),
        validity: [now, until],
        subject: asked.name,
        key: asked.key,
        extensions,
    };
    let der = certificate.signed(key.algorithm(), &|text| key.sign(text));
    der.ok_or_else(|| Failure::Said("x509: the certificate could not be signed".into()))
}

/// The identifier of an authority's key as its certificate says it.
fn known_identifier(authority: &Certificate) -> Vec<u8> {
    let prefix = wrap(drydock_pki::der::OBJECT_ID, &extension::id(extension::KEY_IDENTIFIER));
    let found = children(&authority.extensions).into_iter().find_map(|(_, content)| {
        let (OCTETS, inner, _) = element(content.strip_prefix(&prefix[..])?)? else { return None };
        element(inner).map(|(_, identifier, _)| identifier.to_vec())
    });
    found.unwrap_or_else(|| identifier(&authority.key))
}

/// The next number of an authority, which a file beside its certificate keeps if there is one.
fn next_serial(call: &mut Call<'_, '_>, options: &Options, authority: &str) -> Result<Vec<u8>, Failure> {
    if options.has("set_serial") {
        return serial(call, options);
    }
    let stem = authority.rsplit_once('.').filter(|(_, end)| !end.contains('/')).map_or(authority, |(stem, _)| stem);
    let path = options.value("CAserial").map_or_else(|| format!("{stem}.srl"), str::to_owned);
    let absolute = call.sys.path(&path);
    let known = call.sys.read_file(&absolute).ok();
    let read = known.and_then(|bytes| {
        let text = String::from_utf8_lossy(&bytes).trim().to_owned();
        (0..text.len() / 2)
            .map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok())
            .collect::<Option<Vec<u8>>>()
    });
    let next = match read.filter(|bytes| !bytes.is_empty()) {
        Some(mut bytes) => {
            for byte in bytes.iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
            bytes
        }
        None if options.has("CAserial") && !options.has("CAcreateserial") => {
            return Err(Failure::Said(format!("Can't open \"{path}\" for reading, No such file or directory")));
        }
        None => {
            let bytes = serial(call, options)?;
            if !options.has("CAcreateserial") {
                return Ok(bytes);
            }
            bytes
        }
    };
    write(call, &path, format!("{}\n", show::upper(&next)).as_bytes(), false)?;
    Ok(next)
}

/// `openssl verify -CAfile ca.crt some.crt`
pub(super) fn verify(call: &mut Call<'_, '_>, options: &Options) -> Done {
    let mut authorities = Vec::new();
    for path in options.values("CAfile").chain(options.values("untrusted")) {
        authorities.push(load(call, path, "certificate")?.0);
    }
    let mut code = 0;
    for path in &options.rest {
        let (_, der) = load(call, path, "certificate")?;
        let Some((certificate, [body, _, signature])) = Certificate::read(&der) else { continue };
        // A verdict on what cannot be looked at would be a guess.
        let unknown = |authority: &Certificate| {
            authority.subject == certificate.issuer && rsa::read_public(&authority.key).is_none()
        };
        if authorities.iter().any(unknown) {
            return Err(Failure::Said(format!("error {path}: only signatures of RSA keys are verified here")));
        }
        let signs = |authority: &&Certificate| {
            authority.subject == certificate.issuer
                && rsa::read_public(&authority.key)
                    .is_some_and(|(modulus, _)| rsa::verifies(&modulus, &body, &signature))
        };
        let problem = match authorities.iter().find(signs) {
            None if certificate.issuer == certificate.subject => Some((18, "self-signed certificate")),
            None => Some((20, "unable to get local issuer certificate")),
            Some(_) if certificate.validity[1] < call.sys.now() => Some((10, "certificate has expired")),
            Some(_) => None,
        };
        match problem {
            None => call.print(&format!("{path}: OK\n")),
            Some((number, words)) => {
                call.flush();
                let name = show::name(&certificate.subject);
                call.sys.eprint(&format!(
                    "{name}\nerror {number} at 0 depth lookup: {words}\nerror {path}: verification failed\n"
                ));
                code = 2;
            }
        }
    }
    Ok(code)
}
