//! Secrets with tokens of accounts that somebody made by hand (`kubernetes.io/service-account-token`): they are filled in,
//! and go with their account.

use drydock_api::Status;
use drydock_schema::base64;

use super::common::ignore_absent;
use super::{Controller, Enqueue, Requeue, actor};
use crate::ctx::Ctx;
use crate::informers::{Change, Informers};
use crate::objects::{Key, Object};
use crate::store::{DeleteOptions, Kind, kinds};

const NAME: &str = "tokens-controller";
const ACCOUNT: &str = "kubernetes.io/service-account.name";
const ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";

/// The controller. Keys are secrets.
#[derive(Debug, Clone, Default)]
pub struct Tokens;

fn holds_token(secret: &Object) -> bool {
    secret["type"] == "kubernetes.io/service-account-token"
}

impl Controller for Tokens {
    fn name(&self) -> &'static str {
        NAME
    }

    fn watches(&self) -> &'static [Kind] {
        &[kinds::SECRETS, kinds::SERVICE_ACCOUNTS]
    }

    fn observe(&mut self, change: &Change, informers: &Informers, queue: &mut Enqueue<'_>) {
        if change.kind == kinds::SECRETS {
            if change.new.as_ref().is_some_and(|secret| holds_token(secret)) {
                queue.add(change.key());
            }
        } else if change.new.is_none() || change.old.is_none() {
            for secret in informers.in_namespace(kinds::SECRETS, &change.key().namespace) {
                if holds_token(secret) && secret["metadata"]["annotations"][ACCOUNT] == *change.key().name {
                    queue.add(&secret.key);
                }
            }
        }
    }

    fn reconcile(&mut self, key: &Key, ctx: &mut Ctx<'_>) -> Result<Requeue, Status> {
        let secret = ctx.informers.get(kinds::SECRETS, key).filter(|secret| holds_token(secret)).cloned();
        let Some(secret) = secret else { return Ok(Requeue::Done) };
        let annotations = &secret["metadata"]["annotations"];
        let (name, uid) = (annotations[ACCOUNT].str(), annotations[ACCOUNT_UID].str());
        let account = ctx.api.get(kinds::SERVICE_ACCOUNTS, &key.namespace, name).cloned();
        let account = account.filter(|account| uid.is_empty() || account["metadata"]["uid"] == uid);
        let Some(account) = account else {
            let options = DeleteOptions::default().of_uid(secret.uid.as_str());
            ignore_absent(ctx.client(&actor(NAME)).delete(kinds::SECRETS, &key.namespace, &key.name, &options))?;
            return Ok(Requeue::Done);
        };
        let wanted = [("ca.crt", ctx.api.config().ca_certificate.clone()), ("namespace", key.namespace.to_string())];
        let mut updated = secret.value.clone();
        let mut changed = false;
        for (field, text) in wanted {
            let text = base64::encode(text.as_bytes());
            if secret["data"][field] != text.as_str() {
                updated["data"].set(field, text);
                changed = true;
            }
        }
        if secret["data"]["token"].str().is_empty() {
            let token = ctx.api.secret_token(&account, &secret.value);
            updated["data"].set("token", base64::encode(token.as_bytes()));
            changed = true;
        }
        if uid.is_empty() {
            updated["metadata"]["annotations"].set(ACCOUNT_UID, &account["metadata"]["uid"]);
            changed = true;
        }
        if changed {
            ignore_absent(ctx.client(&actor(NAME)).update(kinds::SECRETS, &key.namespace, updated))?;
        }
        Ok(Requeue::Done)
    }

    fn clone_box(&self) -> Box<dyn Controller> {
        Box::new(self.clone())
    }
}
