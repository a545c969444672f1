//! Service account tokens: three parts of base64, like the real ones, with the real claims. The third part is a keyed
//! checksum, long enough to look like a signature; it keeps honest people honest, no more.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use drydock_value::{Time, Value, parse_json, to_json, value};

use crate::kinds;
use crate::server::ApiServer;
use crate::user::User;

/// Who issues tokens, and whom they are for when nobody else is named.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

const HEADER: &str = r#"{"alg":"RS256","kid":"drydock"}"#;

/// What a token is bound to, besides its service account.
pub(crate) struct Binding<'a> {
    /// `Pod`, `Secret` or `Node`.
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) uid: &'a str,
}

impl ApiServer {
    fn sign(&self, text: &str) -> String {
        // 256 bytes, as an RSA signature of 2048 bits.
        let mut state = 0xcbf2_9ce4_8422_2325 ^ self.config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for byte in text.bytes() {
            state = (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        let mut bytes = Vec::with_capacity(256);
        for round in 0..32u64 {
            state = (state ^ round).wrapping_mul(0xff51_afd7_ed55_8ccd);
            state ^= state >> 33;
            bytes.extend_from_slice(&state.to_le_bytes());
        }
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// A token for a service account.
    pub(crate) fn issue_token(
        &mut self,
        account: &Value,
        audiences: &Value,
        seconds: i64,
        binding: Option<&Binding<'_>>,
    ) -> String {
        let metadata = &account["metadata"];
        let (namespace, name) = (metadata["namespace"].str(), metadata["name"].str());
        let now = i64::try_from(self.now.seconds()).unwrap_or(0);
        let mut own = value!({
            "namespace": namespace, "serviceaccount": {"name": name, "uid": &metadata["uid"]}
        });
        if let Some(binding) = binding {
            own.set(binding.kind.to_lowercase(), value!({"name": binding.name, "uid": binding.uid}));
        }
        let claims = value!({
            "aud": audiences, "exp": now + seconds, "iat": now, "iss": ISSUER,
            "jti": self.random.uuid(), "kubernetes.io": own, "nbf": now,
            "sub": format!("system:serviceaccount:{namespace}:{name}")
        });
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let body = format!("{}.{}", encode(HEADER), encode(&to_json(&claims)));
        let signature = self.sign(&body);
        format!("{body}.{signature}")
    }

    /// The claims of a token that this server signed and that is still good.
    pub(crate) fn token_claims(&self, token: &str, now: Time) -> Option<Value> {
        let (body, signature) = token.rsplit_once('.')?;
        if self.sign(body) != signature {
            return None;
        }
        let (_, claims) = body.split_once('.')?;
        let claims = parse_json(std::str::from_utf8(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?).ok()?;
        let expires = u64::try_from(claims["exp"].int()).ok()?;
        if expires <= now.seconds() {
            return None;
        }
        let own = &claims["kubernetes.io"];
        let namespace = own["namespace"].str();
        let account = self.store.get(kinds::SERVICE_ACCOUNTS, namespace, own["serviceaccount"]["name"].str())?;
        if account["metadata"]["uid"] != own["serviceaccount"]["uid"] {
            return None;
        }
        // A token that is bound to an object ends with it.
        for (key, kind) in [("pod", kinds::PODS), ("secret", kinds::SECRETS), ("node", kinds::NODES)] {
            let bound = &own[key];
            if bound.is_null() {
                continue;
            }
            let namespace = if kind.namespaced() { namespace } else { "" };
            let object = self.store.get(kind, namespace, bound["name"].str())?;
            if object["metadata"]["uid"] != bound["uid"] {
                return None;
            }
        }
        Some(claims)
    }

    /// The user of a token that is meant for the API server.
    pub(crate) fn token_user(&self, token: &str, now: Time) -> Option<User> {
        self.token_holder(token, &[ISSUER], now).ok().map(|(user, _)| user)
    }

    /// The user of a token, with those of some audiences for which it is meant; or what is wrong with it, where that is
    /// told.
    pub(crate) fn token_holder(
        &self,
        token: &str,
        wanted: &[&str],
        now: Time,
    ) -> Result<(User, Vec<String>), Option<String>> {
        let all = || wanted.iter().map(|one| (*one).to_owned()).collect();
        if let Some((_, user)) = self.config.tokens.iter().find(|(known, _)| known == token) {
            return Ok((user.clone(), all()));
        }
        let claims = self.token_claims(token, now).ok_or(None)?;
        let own: Vec<&str> = claims["aud"].items().iter().map(Value::str).collect();
        let meant: Vec<String> = wanted.iter().filter(|one| own.contains(one)).map(|one| (*one).to_owned()).collect();
        if meant.is_empty() {
            let list = |names: &[&str]| names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" ");
            return Err(Some(format!(
                "token audiences [{}] is invalid for the target audiences [{}]",
                list(&own),
                list(wanted)
            )));
        }
        Ok((claimed_user(&claims), meant))
    }
}

/// The user that claims are about.
fn claimed_user(claims: &Value) -> User {
    let own = &claims["kubernetes.io"];
    let mut user = User::named(claims["sub"].str());
    user.uid = own["serviceaccount"]["uid"].str().into();
    user.extra
        .push(("authentication.kubernetes.io/credential-id".into(), vec![format!("JTI={}", claims["jti"].str())]));
    for key in ["node", "pod"] {
        let bound = &own[key];
        if !bound.is_null() {
            for part in ["name", "uid"] {
                let name = format!("authentication.kubernetes.io/{key}-{part}");
                user.extra.push((name, vec![bound[part].str().into()]));
            }
        }
    }
    user
}
