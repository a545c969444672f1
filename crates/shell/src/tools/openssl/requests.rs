//! Requests for certificates, and certificates that are signed by who asks for them: `req`.

use drydock_pki::certificate::Certificate;
use drydock_pki::der::{read_pem, write_pem};
use drydock_pki::name::Name;
use drydock_pki::request::{self, Asked, SignedRequest};
use drydock_pki::rsa;
use drydock_value::Time;

use super::certificates::{DAY, identifier, serial};
use super::configuration::{Configuration, subject};
use super::keys::{self, Key};
use super::options::{Options, Spec};
use super::{Call, Done, Failure, file, input, output, show};

pub(super) const OPTIONS: Spec = "new x509 newkey= key= keyout= in= out= subj= days= nodes noenc config= addext= extensions= \
    reqexts= noout text subject verify pubkey batch utf8 set_serial= inform= outform= passin= passout= modulus verbose \
    quiet section= sigopt= nameopt=";

pub(super) fn run(call: &mut Call<'_, '_>, options: &Options) -> Done {
    let makes = options.has("new") || options.has("newkey") || (options.has("x509") && !options.has("in"));
    if makes { make(call, options) } else { look(call, options) }
}

/// Reads a request and shows what is asked for of it.
fn look(call: &mut Call<'_, '_>, options: &Options) -> Done {
    let place = options.value("in").unwrap_or("<stdin>").to_owned();
    let text = String::from_utf8_lossy(&input(call, options, "certificate request")?).into_owned();
    let (Some(asked), Some(signed)) = (request::asked(&text), request::signed(&text)) else {
        return Err(Failure::Said(format!("Unable to load X509 request from {place}")));
    };
    if options.has("verify") {
        let right = verifies(&asked, &signed)?;
        call.sys.eprint(if right {
            "Certificate request self-signature verify OK\n"
        } else {
            "Certificate request self-signature verify failure\n"
        });
        if !right {
            return Ok(1);
        }
    }
    if options.has("text") {
        call.print(&show::request(&asked, &signed));
    }
    if options.has("subject") {
        call.print(&format!("subject={}\n", show::name(&asked.name)));
    }
    if options.has("pubkey") {
        call.print(&write_pem("PUBLIC KEY", &asked.key));
    }
    if options.has("modulus")
        && let Some((modulus, _)) = rsa::read_public(&asked.key)
    {
        call.print(&format!("Modulus={}\n", show::upper(&modulus)));
    }
    if !options.has("noout") {
        let der = read_pem(&text).map(|(_, der)| der).unwrap_or_default();
        output(call, options, write_pem("CERTIFICATE REQUEST", &der).as_bytes(), false)?;
    }
    Ok(0)
}

/// Whether a request is signed with the key that it is about.
pub(super) fn verifies(asked: &Asked, signed: &SignedRequest) -> Result<bool, Failure> {
    match rsa::read_public(&asked.key) {
        Some((modulus, _)) => Ok(rsa::verifies(&modulus, &signed.body, &signed.signature[0])),
        None => Err(Failure::Said("only signatures of RSA keys are verified".into())),
    }
}

fn configuration(call: &mut Call<'_, '_>, options: &Options) -> Result<Option<Configuration>, Failure> {
    let Some(path) = options.value("config") else { return Ok(None) };
    let text = file(call, path, "configuration")?;
    Ok(Some(Configuration::parse(&String::from_utf8_lossy(&text))))
}

/// For whom: as the call says, or the configuration.
fn about(options: &Options, configuration: Option<&Configuration>) -> Result<Name, Failure> {
    if let Some(text) = options.value("subj") {
        return subject(text);
    }
    configuration.and_then(Configuration::name).ok_or_else(|| {
        Failure::Said(
            "req: no subject: what -config says is asked for only with prompt = no; give it with -subj".into(),
        )
    })
}

/// The key that is asked about: one of a file, or a new one.
fn key(call: &mut Call<'_, '_>, options: &Options, configured: Option<&Configuration>) -> Result<Key, Failure> {
    if let Some(path) = options.value("key") {
        return Key::load(call, path);
    }
    let unlocked = ["nodes", "noenc"].iter().any(|name| options.has(name))
        || configured.is_some_and(|file| file.get("req", "encrypt_key") == Some("no"));
    if !unlocked {
        return Err(Failure::Said("req: keys with a pass phrase are not simulated: add -noenc".into()));
    }
    let bits = configured.and_then(|file| file.get("req", "default_bits")).unwrap_or("2048");
    let kind = match options.value("newkey") {
        None | Some("rsa") => format!("rsa:{bits}"),
        Some(kind) => kind.to_owned(),
    };
    let key = Key::new(call, &kind)?;
    if !options.has("quiet") {
        keys::dots(call, &key);
        call.sys.eprint("-----\n");
    }
    let configured = configured.and_then(|file| file.get("req", "default_keyfile"));
    keys::keep(call, options.value("keyout").or(configured).unwrap_or("privkey.pem"), &key)?;
    Ok(key)
}

fn make(call: &mut Call<'_, '_>, options: &Options) -> Done {
    let configuration = configuration(call, options)?;
    let configuration = configuration.as_ref();
    let name = about(options, configuration)?.write();
    let key = key(call, options, configuration)?;
    let public = key.public();
    let own = options.has("x509");
    let extensions = extensions(options, configuration, &identifier(&public), own)?;
    let sign = |text: &[u8]| key.sign(text);
    let made = if own {
        let now = Time::from_seconds(call.sys.now().seconds());
        let until = Time::from_seconds(now.seconds() + options.number("days", 30)? * DAY);
        let serial = serial(call, options)?;
        let certificate = Certificate {
            serial,
            issuer: name.clone(),
            validity: [now, until],
            subject: name,
            key: public,
            extensions,
        };
        certificate.signed(key.algorithm(), &sign).map(|der| write_pem("CERTIFICATE", &der))
    } else {
        let der = request::write([&name, &public, &extensions], key.algorithm(), &sign);
        der.map(|der| write_pem("CERTIFICATE REQUEST", &der))
    };
    let text = made.ok_or_else(|| Failure::Said("Error making certificate request".into()))?;
    if options.has("noout") && !options.has("text") {
        return Ok(0);
    }
    output(call, options, text.as_bytes(), false)?;
    Ok(0)
}

/// The extensions that are asked for. Certificates of one's own are authorities' unless something else is said.
fn extensions(
    options: &Options,
    configuration: Option<&Configuration>,
    identifier: &[u8],
    own: bool,
) -> Result<Vec<u8>, Failure> {
    let none = Configuration::default();
    let file = configuration.unwrap_or(&none);
    let both = [identifier, identifier];
    let (option, entry) = if own { ("extensions", "x509_extensions") } else { ("reqexts", "req_extensions") };
    let section = options.value(option).or_else(|| file.get("req", entry));
    let mut out = match section {
        Some(section) => file.extensions(section, both)?,
        None if own && configuration.is_none() => {
            let mut out = Vec::new();
            for (name, value) in [
                ("subjectKeyIdentifier", "hash"),
                ("authorityKeyIdentifier", "keyid"),
                ("basicConstraints", "critical,CA:true"),
            ] {
                if !options.values("addext").any(|given| given.starts_with(name)) {
                    out.extend(file.extension(name, value, both)?);
                }
            }
            out
        }
        None => Vec::new(),
    };
    for given in options.values("addext") {
        let (name, value) = given.split_once('=').unwrap_or((given, ""));
        out.extend(file.extension(name.trim(), value.trim(), both)?);
    }
    Ok(out)
}
