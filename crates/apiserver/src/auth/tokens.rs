//! Service account tokens: three parts of base64, like the real ones, with the real claims, signed with a key whose public
//! half is what the server shows as `/openid/v1/jwks`. The key follows from the session's seed, and is no secret.

use crate::random::Random;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use drydock_pki::rsa::Key;
use drydock_value::{Time, Value, parse_json, to_json, value};

use crate::kinds;
use crate::server::ApiServer;
use crate::user::User;

/// Who issues tokens, and whom they are for when nobody else is named.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Who issues the tokens of secrets.
const SECRET_ISSUER: &str = "kubernetes/serviceaccount";

/// What a token is bound to, besides its service account.
pub(crate) struct Binding<'a> {
    /// `Pod`, `Secret` or `Node`.
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) uid: &'a str,
}

impl ApiServer {
    fn sign(&self, text: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.token_key().sign(text.as_bytes()))
    }

    fn token_key(&self) -> &Key {
        self.token_key.get_or_init(|| {
            let mut random = Random::new(self.config.seed ^ 0x5e71_ace0_acc0_0275);
            Key::new(&mut |bound| random.below(bound))
        })
    }

    /// The key that tokens are verified with, as a set of one, in the order in which the real server writes it.
    pub(crate) fn token_keys(&self) -> String {
        let key = self.token_key();
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        format!(
            "{{\"keys\":[{{\"use\":\"sig\",\"kty\":\"RSA\",\"kid\":\"{}\",\"alg\":\"RS256\",\"n\":\"{}\",\"e\":\"AQAB\"}}]}}",
            encode(&key.id()),
            encode(&key.modulus())
        )
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
        self.signed_claims(&claims)
    }

    fn signed_claims(&self, claims: &Value) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let id = BASE64_URL_SAFE_NO_PAD.encode(self.token_key().id());
        let header = format!("{{\"alg\":\"RS256\",\"kid\":\"{id}\"}}");
        let body = format!("{}.{}", encode(&header), encode(&to_json(claims)));
        let signature = self.sign(&body);
        format!("{body}.{signature}")
    }

    /// The token that a secret holds for a service account: as old ones were, without an end.
    pub fn secret_token(&self, account: &Value, secret: &Value) -> String {
        let metadata = &account["metadata"];
        let (namespace, name) = (metadata["namespace"].str(), metadata["name"].str());
        self.signed_claims(&value!({
            "iss": SECRET_ISSUER,
            "kubernetes.io/serviceaccount/namespace": namespace,
            "kubernetes.io/serviceaccount/secret.name": &secret["metadata"]["name"],
            "kubernetes.io/serviceaccount/service-account.name": name,
            "kubernetes.io/serviceaccount/service-account.uid": &metadata["uid"],
            "sub": format!("system:serviceaccount:{namespace}:{name}")
        }))
    }

    /// What a secret's token says, if the secret still holds it, as newer tokens would say it.
    fn secret_claims(&self, token: &str, claims: &Value) -> Option<Value> {
        let of = |name: &str| claims[format!("kubernetes.io/serviceaccount/{name}").as_str()].clone();
        let (namespace, secret) = (of("namespace"), of("secret.name"));
        let secret = self.store.get(kinds::SECRETS, namespace.str(), secret.str())?;
        let held = drydock_schema::base64::encode(token.as_bytes());
        if secret["data"]["token"] != held.as_str() || !secret["metadata"]["deletionTimestamp"].is_null() {
            return None;
        }
        let account = value!({"name": of("service-account.name"), "uid": of("service-account.uid")});
        Some(value!({
            "aud": [ISSUER], "sub": &claims["sub"], "kubernetes.io": {"namespace": namespace, "serviceaccount": account}
        }))
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
        let claims = match claims["iss"] == SECRET_ISSUER {
            true => self.secret_claims(token, &claims)?,
            false if expires <= now.seconds() => return None,
            false => claims,
        };
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
    if claims["jti"].is_null() {
        return user;
    }
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
