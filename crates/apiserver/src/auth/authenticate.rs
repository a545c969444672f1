//! Authentication and impersonation.

use drydock_api::{Auth, Request, Status};
use drydock_schema::go;
use drydock_sorted::Sort as _;

use crate::auth::rules::Ask;
use crate::server::ApiServer;
use crate::user::{User, service_account};
use drydock_pki::certificate;

fn unauthorized() -> Status {
    Status::new(401, "Unauthorized", "Unauthorized")
}

impl ApiServer {
    /// The user of a request, impersonation included.
    pub(crate) fn authenticate(&self, request: &Request) -> Result<User, Status> {
        self.impersonate(self.identify(request)?, request)
    }

    /// Who sends a request.
    pub(crate) fn identify(&self, request: &Request) -> Result<User, Status> {
        Ok(match &request.auth {
            Auth::Anonymous => match request.header_value("authorization").and_then(|v| v.strip_prefix("Bearer ")) {
                Some(token) => self.token_user(token.trim(), self.now).ok_or_else(unauthorized)?,
                None if self.config.anonymous => User::anonymous(),
                None => return Err(unauthorized()),
            },
            Auth::Token(token) => self.token_user(token, self.now).ok_or_else(unauthorized)?,
            Auth::Certificate { certificate } => match certificate::subject(certificate) {
                Some(subject) => {
                    let mut groups = subject.organizations;
                    groups.push("system:authenticated".into());
                    User { name: subject.common_name, groups, ..User::default() }
                }
                // The path of a file on the workstation: its owner is the administrator.
                None if !certificate.contains("-----BEGIN") && !certificate.is_empty() => User::admin(),
                None => return Err(unauthorized()),
            },
        })
    }

    fn impersonate(&self, user: User, request: &Request) -> Result<User, Status> {
        let values =
            |name: &'static str| request.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value);
        let Some(name) = values("impersonate-user").next() else {
            let asked = without_user(request);
            if !asked.is_empty() {
                let why = format!(
                    "{}: requested [{}] without impersonating a user",
                    go::quote(&request.path),
                    asked.join(" ")
                );
                return Err(Status::new(500, "", format!("{INTERNAL}{why}")));
            }
            return Ok(user);
        };
        let check = |group: &str, resource: &str, subresource: &str, name: &str, namespace: &str| {
            let ask = Ask::Resource { verb: "impersonate", group, resource, subresource, name };
            if self.authorize(&user, namespace, &ask).allowed {
                return Ok(());
            }
            let scope = if namespace.is_empty() {
                "at the cluster scope".to_owned()
            } else {
                format!("in the namespace {namespace:?}")
            };
            let why =
                format!("User {:?} cannot impersonate resource {resource:?} in API group {group:?} {scope}", user.name);
            Err(Status::forbidden(group, resource, name, &why))
        };
        let mut as_user = User::named(name);
        match service_account(name) {
            Some((namespace, account)) => check("", "serviceaccounts", "", account, namespace)?,
            None => check("", "users", "", name, "")?,
        }
        let groups: Vec<String> = values("impersonate-group").cloned().collect();
        for group in &groups {
            check("", "groups", "", group, "")?;
        }
        if !groups.is_empty() {
            as_user.groups = groups;
        } else if service_account(name).is_none() {
            as_user.groups.clear();
        }
        let last = if name == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" };
        if !as_user.is_in(last) {
            as_user.groups.push(last.into());
        }
        if let Some(uid) = values("impersonate-uid").next() {
            check("authentication.k8s.io", "uids", "", uid, "")?;
            as_user.uid.clone_from(uid);
        }
        for (key, value) in &request.headers {
            let Some(extra) = key.strip_prefix("impersonate-extra-") else { continue };
            check("authentication.k8s.io", "userextras", extra, value, "")?;
            match as_user.extra.iter_mut().find(|(name, _)| name == extra) {
                Some((_, values)) => values.push(value.clone()),
                None => as_user.extra.push((extra.to_owned(), vec![value.clone()])),
            }
        }
        Ok(as_user)
    }
}

/// How an answer begins that is words alone: what failed before anybody knew who asks.
pub(crate) const INTERNAL: &str = "Internal Server Error: ";

/// What is impersonated besides a user, as Go writes the references that it makes of it.
fn without_user(request: &Request) -> Vec<String> {
    const VERSION: &str = "authentication.k8s.io/v1";
    let of = |(key, value): &(String, String)| {
        let (kind, version, field) = match key.strip_prefix("impersonate-")? {
            "group" => ("Group", "", ""),
            "uid" => ("UID", VERSION, ""),
            key => ("UserExtra", VERSION, key.strip_prefix("extra-")?),
        };
        Some((kind, format!("{{{kind}  {value}  {version}  {field}}}")))
    };
    let mut found: Vec<(&str, String)> = request.headers.iter().filter_map(of).collect();
    found.sort_compact_by_key(|(kind, _)| ["Group", "UserExtra", "UID"].iter().position(|known| known == kind));
    found.into_iter().map(|(_, shown)| shown).collect()
}
