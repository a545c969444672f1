//! Keys: `genrsa`, `genpkey`, `rsa`, `pkey`.

use drydock_pki::der::{INTEGER, OBJECT_ID, OCTETS, SEQUENCE, bits, children, element, integer, wrap, write_pem};
use drydock_pki::rsa::Private;
use drydock_pki::{ed25519, rsa};

use super::options::{Options, Spec};
use super::{Call, Done, Failure, block, chance, file, input, output, show, write};

pub(super) const GENRSA: Spec = "out= traditional verbose quiet f4 3 aes256 aes128 des3 passout=";
pub(super) const GENPKEY: Spec = "out= algorithm= pkeyopt= outform= quiet verbose";
pub(super) const PKEY: Spec =
    "in= out= pubout pubin noout text check modulus inform= outform= traditional RSAPublicKey_out passin=";

/// 1.3.101.112: Ed25519, for keys and for signatures.
const ED25519: [u8; 7] = [SEQUENCE, 5, OBJECT_ID, 3, 0x2b, 0x65, 0x70];
/// RSA keys of so many bits are made.
const BITS_MAX: u64 = 8192;

/// A private key.
pub(super) enum Key {
    Rsa(Box<Private>),
    Ed25519([u8; 32]),
}

impl Key {
    /// A new one of `rsa`, `rsa:3072`, `ed25519`.
    pub(super) fn new(call: &mut Call<'_, '_>, kind: &str) -> Result<Key, Failure> {
        let (kind, bits) = kind.split_once(':').map_or((kind, "2048"), |(kind, bits)| (kind, bits));
        match kind.to_ascii_lowercase().as_str() {
            "rsa" => {
                let bits: u64 = bits.parse().unwrap_or(0);
                if bits < 512 {
                    return Err(Failure::Said("Error generating RSA key: key size too small".into()));
                }
                if bits > BITS_MAX {
                    return Err(Failure::Said(format!("Error generating RSA key: more than {BITS_MAX} bits")));
                }
                let bits = usize::try_from(bits.next_multiple_of(64)).unwrap_or(2048);
                call.sys.charge(bits as u32);
                let mut below = |bound: u32| ((u128::from(call.sys.random()) * u128::from(bound)) >> 64) as u32;
                Ok(Key::Rsa(Box::new(Private::new(bits, &mut below))))
            }
            "ed25519" => {
                let bytes = chance(call, 32);
                Ok(Key::Ed25519(std::array::from_fn(|at| bytes[at])))
            }
            other => Err(Failure::Said(format!(
                "Error initializing {other} context: only keys of RSA and ED25519 are simulated"
            ))),
        }
    }

    /// Reads a private key from a file.
    pub(super) fn load(call: &mut Call<'_, '_>, path: &str) -> Result<Key, Failure> {
        let bytes = file(call, path, "private key")?;
        let block = block(&bytes);
        if block.as_ref().is_some_and(|(kind, _)| kind.starts_with("ENCRYPTED")) {
            return Err(Failure::Said("keys with a pass phrase are not simulated".into()));
        }
        block
            .and_then(|(_, der)| Key::read(&der))
            .ok_or_else(|| Failure::Said(format!("Could not find private key from {path}")))
    }

    pub(super) fn read(der: &[u8]) -> Option<Key> {
        if let Some(key) = Private::read(der) {
            return Some(Key::Rsa(Box::new(key)));
        }
        let (SEQUENCE, content, _) = element(der)? else { return None };
        let parts = children(content);
        let [(INTEGER, _), (SEQUENCE, kind), (OCTETS, inner), ..] = parts.as_slice() else { return None };
        let (_, secret, _) = element(inner)?;
        if *kind != &ED25519[2..] {
            return None;
        }
        Some(Key::Ed25519(secret.try_into().ok()?))
    }

    /// As files have it (DER of PKCS #8).
    fn write(&self) -> Vec<u8> {
        let (kind, inner): (&[u8], _) = match self {
            Key::Rsa(key) => (&rsa::KIND, key.write()),
            Key::Ed25519(secret) => (&ED25519, wrap(OCTETS, secret)),
        };
        wrap(SEQUENCE, &[&integer(&[0])[..], kind, &wrap(OCTETS, &inner)].concat())
    }

    /// As files have it (PEM).
    pub(super) fn pem(&self) -> String {
        write_pem("PRIVATE KEY", &self.write())
    }

    /// The public key (DER).
    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Key::Rsa(key) => key.public(),
            Key::Ed25519(secret) => {
                wrap(SEQUENCE, &[&ED25519[..], &bits(0, &ed25519::Key::new(secret).public)].concat())
            }
        }
    }

    /// The algorithm of its signatures (DER).
    pub(super) fn algorithm(&self) -> &'static [u8] {
        match self {
            Key::Rsa(_) => &rsa::SIGNATURE,
            Key::Ed25519(_) => &ED25519,
        }
    }

    /// The signature of a text.
    pub(super) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Key::Rsa(key) => key.sign(text),
            Key::Ed25519(secret) => Some(ed25519::Key::new(secret).sign(text).to_vec()),
        }
    }
}

/// Shows that a key is being looked for, as the real one does.
pub(super) fn dots(call: &mut Call<'_, '_>, key: &Key) {
    if !matches!(key, Key::Rsa(_)) {
        return;
    }
    let mut line = String::new();
    for _ in 0..2 {
        for byte in chance(call, 12) {
            line.push_str(&".".repeat(usize::from(byte & 3)));
            line.push('+');
        }
        line.push_str("......+++++++++++++++++++++++++++++++++++++++*");
    }
    call.flush();
    call.sys.eprint(&format!("{line}\n"));
}

pub(super) fn genrsa(call: &mut Call<'_, '_>, options: &Options) -> Done {
    if ["aes256", "aes128", "des3", "passout"].iter().any(|name| options.has(name)) {
        return Err(Failure::Said("genrsa: keys with a pass phrase are not simulated".into()));
    }
    let bits = options.rest.first().map_or("2048", String::as_str);
    if bits.parse::<u64>().is_err() {
        return Err(Failure::Said(format!(
            "genrsa: Can't parse \"{bits}\" as a number\ngenrsa: Use -help for summary."
        )));
    }
    let key = Key::new(call, &format!("rsa:{bits}"))?;
    let text = match &key {
        Key::Rsa(private) if options.has("traditional") => write_pem("RSA PRIVATE KEY", &private.write()),
        _ => key.pem(),
    };
    output(call, options, text.as_bytes(), true)?;
    Ok(0)
}

pub(super) fn genpkey(call: &mut Call<'_, '_>, options: &Options) -> Done {
    let Some(kind) = options.value("algorithm") else {
        call.sys.eprint("genpkey: Use -help for summary.\n");
        return Err(Failure::Usage);
    };
    let bits = options.values("pkeyopt").find_map(|option| option.strip_prefix("rsa_keygen_bits:"));
    let key = Key::new(call, &bits.map_or(kind.to_owned(), |bits| format!("{kind}:{bits}")))?;
    if !options.has("quiet") {
        dots(call, &key);
    }
    output(call, options, key.pem().as_bytes(), true)?;
    Ok(0)
}

pub(super) fn pkey(call: &mut Call<'_, '_>, options: &Options) -> Done {
    let bytes = input(call, options, if options.has("pubin") { "public key" } else { "private key" })?;
    let place = options.value("in").unwrap_or("<stdin>").to_owned();
    let found = block(&bytes);
    let public = options.has("pubin");
    let (key, der) = match found {
        Some((_, der)) if public => (None, der),
        Some((_, der)) => {
            let key = Key::read(&der).ok_or_else(|| format!("Could not find private key from {place}"))?;
            let der = key.public();
            (Some(key), der)
        }
        None => {
            let what = if public { "public" } else { "private" };
            return Err(Failure::Said(format!("Could not find {what} key of key from {place}")));
        }
    };
    if options.has("text") {
        let mut text = String::new();
        match &key {
            Some(key) => show::private_key(&mut text, key),
            None => show::public_key(&mut text, &der, 0),
        }
        call.print(&text);
    }
    if options.has("modulus")
        && let Some((modulus, _)) = rsa::read_public(&der)
    {
        call.print(&format!("Modulus={}\n", show::upper(&modulus)));
    }
    let rsa = options.command == "rsa";
    if options.has("check") && key.is_some() {
        call.print(if rsa { "RSA key ok\n" } else { "Key is valid\n" });
    }
    if options.has("noout") {
        return Ok(0);
    }
    if rsa {
        call.flush();
        call.sys.eprint("writing RSA key\n");
    }
    let binary = options.value("outform").is_some_and(|form| form.eq_ignore_ascii_case("der"));
    let (kind, bytes) = match key {
        Some(key) if !options.has("pubout") => match key {
            Key::Rsa(private) if options.has("traditional") => ("RSA PRIVATE KEY", private.write()),
            key => ("PRIVATE KEY", key.write()),
        },
        _ => ("PUBLIC KEY", der),
    };
    let bytes = if binary { bytes } else { write_pem(kind, &bytes).into_bytes() };
    output(call, options, &bytes, kind.starts_with("P") && !kind.starts_with("PU"))?;
    Ok(0)
}

/// Writes a new key to a file of its own.
pub(super) fn keep(call: &mut Call<'_, '_>, path: &str, key: &Key) -> Result<(), Failure> {
    write(call, path, key.pem().as_bytes(), true)
}
