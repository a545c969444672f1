//! Clients of the API server, as they are in pods: `inclusterclient` and `test-service-account-issuer-discovery`.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use drydock_pki::sha256;
use drydock_shell::{Program, Step, Sys, Wait};
use drydock_value::{Time, Value, parse_json};

use super::jobs::Dial;
use super::{Flags, stamp};

/// Where the token of a pod's account is.
const TOKEN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/token";
/// How long a token is used before its file is read again.
const FRESH: Duration = Duration::from_secs(60);
const NOT_INSIDE: &str =
    "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined";

/// The API server's address and port, as the environment has them.
fn server(sys: &Sys<'_>) -> Option<(String, u16)> {
    let of = |name: &str| {
        let environment = sys.environment();
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    };
    Some((of("KUBERNETES_SERVICE_HOST")?, of("KUBERNETES_SERVICE_PORT")?.parse().ok()?))
}

/// `inclusterclient`: asks for `/healthz` again and again, and tells which token it used.
#[derive(Debug, Clone, Default)]
pub struct Healthz {
    next: Option<Time>,
    token: Option<(Time, String)>,
    asking: Option<Dial>,
}

fn log(level: char, line: u32, text: &str, sys: &mut Sys<'_>) {
    let now = sys.now();
    let (_, month, day, hour, minute, second) = now.civil();
    let (fraction, pid) = (now.0 % 1_000_000, sys.pid());
    sys.eprint(&format!(
        "{level}{month:02}{day:02} {hour:02}:{minute:02}:{second:02}.{fraction:06} {pid:>7} main.go:{line}] {text}\n"
    ));
}

impl Program for Healthz {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let interval = Duration::from_secs(Flags::of(sys).number("poll-interval", 30).max(1));
        let Some(next) = self.next else {
            log('I', 61, "started", sys);
            if server(sys).is_none() {
                let now = stamp(sys.now());
                sys.eprint(&format!("{now} err: {NOT_INSIDE}\n"));
                return Step::Exit(1);
            }
            self.next = Some(sys.now() + interval);
            return Step::Continue;
        };
        if let Some(dial) = &mut self.asking {
            let Some(answer) = dial.advance(sys) else {
                let mut wait = Wait::default();
                dial.add_to(&mut wait);
                return wait.into();
            };
            self.asking = None;
            if let Some(why) = answer["errors"][0].as_str() {
                log('E', 82, "status=failed", sys);
                log('E', 83, &format!("error checking /healthz: {why}\n\n"), sys);
            }
            return Step::Continue;
        }
        let now = sys.now();
        if now < next {
            return Wait::until(next).into();
        }
        self.next = Some(next + interval);
        log('I', 79, "calling /healthz", sys);
        if self.token.as_ref().is_none_or(|(read, _)| *read + FRESH <= now)
            && let Ok(text) = sys.files().read_text(TOKEN)
        {
            self.token = Some((now, text.trim().to_owned()));
        }
        let bearer = self.token.as_ref().map(|(_, token)| format!("Bearer {token}"));
        match &bearer {
            Some(bearer) => {
                let digest = sha256::digest(format!("salt|{bearer}").as_bytes());
                log('I', 96, &format!("authz_header={}", BASE64_URL_SAFE_NO_PAD.encode(digest)), sys);
            }
            None => log('E', 98, "authz_header=<empty>", sys),
        }
        if let Some((host, port)) = server(sys) {
            self.asking = Some(Dial::to(&host, port, "healthz".into()).with_authorization(bearer));
        }
        Step::Continue
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}

/// `test-service-account-issuer-discovery`: whether a token verifies with what its issuer publishes.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    token: String,
    asking: Option<Dial>,
    /// What the issuer says of itself, once it has.
    issuer: Option<Value>,
}

/// A part of a token.
fn part(text: Option<&str>) -> Option<Value> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text?).ok()?;
    parse_json(std::str::from_utf8(&bytes).ok()?).ok()
}

/// Claims as Go prints them.
fn printed(claims: &Value, sys: &mut Sys<'_>) -> String {
    let own = &claims["kubernetes.io"];
    let audience: Vec<String> = claims["aud"].items().iter().map(|name| format!("{:?}", name.str())).collect();
    let mut date = || format!("(*jwt.NumericDate)(0xc{:09x})", (sys.random() % (1 << 36)) & !7);
    let (expiry, since, issued) = (date(), date(), date());
    format!(
        "openidmetadata.claims{{Claims:jwt.Claims{{Issuer:{:?}, Subject:{:?}, Audience:jwt.Audience{{{}}}, Expiry:{expiry}, \
         NotBefore:{since}, IssuedAt:{issued}, ID:{:?}}}, Kubernetes:openidmetadata.kubeClaims{{Namespace:{:?}, \
         ServiceAccount:openidmetadata.kubeName{{Name:{:?}, UID:{:?}}}}}}}",
        claims["iss"].str(),
        claims["sub"].str(),
        audience.join(", "),
        claims["jti"].str(),
        own["namespace"].str(),
        own["serviceaccount"]["name"].str(),
        own["serviceaccount"]["uid"].str()
    )
}

impl Discovery {
    fn say(text: &str, sys: &mut Sys<'_>) {
        let now = stamp(sys.now());
        sys.eprint(&format!("{now} {text}\n"));
    }

    fn claims(&self) -> Option<Value> {
        part(self.token.split('.').nth(1))
    }

    /// Asks for what a URL leads to, as the pod's own account.
    fn ask(&mut self, url: &str, sys: &mut Sys<'_>) -> Result<(), String> {
        let (place, path) = url.strip_prefix("https://").and_then(|rest| rest.split_once('/')).ok_or("invalid URL")?;
        let (host, port) = super::once::split_host(place).unwrap_or((place, 443));
        let own = sys.files().read_text(TOKEN).ok();
        let bearer = own.map(|token| format!("Bearer {}", token.trim()));
        self.asking = Some(Dial::to(host, port, path.to_owned()).with_authorization(bearer));
        Ok(())
    }

    fn start(&mut self, sys: &mut Sys<'_>) -> Result<(), String> {
        let path = Flags::of(sys).get("token-path").unwrap_or_default().to_owned();
        let token = sys.files().read_text(&path);
        self.token = token.map_err(|error| format!("open {path}: {}", error.message().to_lowercase()))?;
        Discovery::say("OK: Got token", sys);
        Discovery::say("validating with in-cluster discovery", sys);
        server(sys).ok_or(NOT_INSIDE)?;
        let claims = self.claims().ok_or("go-jose/go-jose: compact JWS format must have three parts")?;
        let issuer = claims["iss"].str();
        Discovery::say(&format!("OK: got issuer {issuer}"), sys);
        let text = printed(&claims, sys);
        Discovery::say(&format!("Full, not-validated claims: \n{text}"), sys);
        self.ask(&format!("{issuer}/.well-known/openid-configuration"), sys)
    }

    /// What follows from an answer; whether it is done.
    fn hear(&mut self, answer: &Value, sys: &mut Sys<'_>) -> Result<bool, String> {
        if let Some(why) = answer["errors"][0].as_str() {
            return Err(why.to_owned());
        }
        let body = answer["responses"][0].str();
        let found =
            parse_json(body).map_err(|_| format!("oidc: failed to decode provider discovery object: {body}"))?;
        if found["kind"] == "Status" {
            return Err(format!("{} {}: {body}", found["code"].int(), found["reason"].str()));
        }
        let claims = self.claims().unwrap_or_default();
        let expected = claims["iss"].str();
        let Some(issuer) = &self.issuer else {
            let issuer = found["issuer"].str();
            if issuer != expected {
                return Err(format!(
                    "oidc: issuer did not match the issuer returned by provider, expected {expected:?} got {issuer:?}"
                ));
            }
            Discovery::say(&format!("OK: Constructed OIDC provider for issuer {issuer}"), sys);
            let keys = found["jwks_uri"].str().to_owned();
            self.issuer = Some(found);
            return self.ask(&keys, sys).map(|()| false);
        };
        let audience = Flags::of(sys).get("audience").unwrap_or_default().to_owned();
        if !claims["aud"].items().iter().any(|name| *name == *audience) {
            return Err(format!("oidc: expected audience {audience:?} got {}", claims["aud"]));
        }
        if claims["exp"].int() <= i64::try_from(sys.now().seconds()).unwrap_or(i64::MAX) {
            return Err("oidc: token is expired".into());
        }
        let (header, algorithms) =
            (part(self.token.split('.').next()), &issuer["id_token_signing_alg_values_supported"]);
        let header = header.unwrap_or_default();
        if !algorithms.items().contains(&header["alg"]) {
            return Err(format!("oidc: id token signed with unsupported algorithm, got {}", header["alg"]));
        }
        let key = found["keys"].find("kid", header["kid"].str()).cloned().unwrap_or_default();
        let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let (signed, signature) = self.token.rsplit_once('.').unwrap_or_default();
        if !drydock_pki::rsa::verifies(&bytes(key["n"].str()), signed.as_bytes(), &bytes(signature)) {
            return Err("failed to verify signature: failed to verify id token signature".into());
        }
        Discovery::say("OK: Validated signature on JWT", sys);
        Discovery::say("OK: Got valid claims from token!", sys);
        let text = printed(&claims, sys);
        Discovery::say(&format!("Full, validated claims: \n&{text}"), sys);
        Ok(true)
    }
}

impl Program for Discovery {
    fn step(&mut self, sys: &mut Sys<'_>) -> Step {
        let Some(dial) = &mut self.asking else {
            return match self.start(sys) {
                Ok(()) => Step::Continue,
                Err(why) => {
                    Discovery::say(&why, sys);
                    Step::Exit(1)
                }
            };
        };
        let Some(answer) = dial.advance(sys) else {
            let mut wait = Wait::default();
            dial.add_to(&mut wait);
            return wait.into();
        };
        match self.hear(&answer, sys) {
            Ok(true) => Step::Exit(0),
            Ok(false) => Step::Continue,
            Err(why) => {
                Discovery::say(&format!("failed to validate with in-cluster discovery: {why}"), sys);
                Discovery::say("falling back to validating with external discovery", sys);
                // Nobody outside trusts the cluster's authority.
                let url =
                    format!("{}/.well-known/openid-configuration", self.claims().unwrap_or_default()["iss"].str());
                let why = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
                Discovery::say(&format!("Get {url:?}: {why}"), sys);
                Step::Exit(1)
            }
        }
    }

    fn clone_box(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }
}
