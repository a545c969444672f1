//! Paths: which resource a request is about, and what it wants to do.

use drydock_api::{Method, Request};

/// What a request is about, as the real server's RequestInfo.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Route {
    /// Whether the path lies under `/api/v1` or `/apis/GROUP/VERSION` and names a resource.
    pub(crate) is_resource: bool,
    pub(crate) group: String,
    pub(crate) version: String,
    /// Empty where the path names none.
    pub(crate) namespace: String,
    pub(crate) resource: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// What follows the subresource.
    pub(crate) rest: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; the method in lower case for
    /// other paths.
    pub(crate) verb: &'static str,
    /// The path, for everything that is not a resource.
    pub(crate) path: String,
}

/// Decodes `%2F` and the like in one segment of a path.
fn decode(segment: &str) -> String {
    if !segment.contains('%') {
        return segment.to_owned();
    }
    let bytes = segment.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = (*byte == b'%').then(|| segment.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

impl Route {
    /// Whether a request may last as long as it likes.
    pub(crate) fn takes_long(&self) -> bool {
        self.verb == "watch" || matches!(self.subresource.as_str(), "attach" | "exec" | "proxy" | "log" | "portforward")
    }

    /// Reads a request's path, method and watch parameter.
    pub(crate) fn of(request: &Request) -> Route {
        let plain = Route {
            path: request.path.clone(),
            verb: match request.method {
                Method::Get => "get",
                Method::Post => "post",
                Method::Put => "put",
                Method::Patch => "patch",
                Method::Delete => "delete",
                Method::Options => "options",
                Method::Head => "head",
            },
            ..Route::default()
        };
        let mut segments: Vec<String> =
            request.path.trim_matches('/').split('/').filter(|s| !s.is_empty()).map(decode).collect();
        let (group, version, used) = match segments.as_slice() {
            [api, version, _, ..] if api == "api" => (String::new(), version.clone(), 2),
            [apis, group, version, _, ..] if apis == "apis" => (group.clone(), version.clone(), 3),
            _ => return plain,
        };
        segments.drain(..used);
        // The deprecated /watch/ prefix.
        let watch_prefix = segments.first().is_some_and(|first| first == "watch") && segments.len() > 1;
        if watch_prefix {
            segments.remove(0);
        }
        let mut namespace = String::new();
        if segments.first().is_some_and(|first| first == "namespaces") && segments.len() > 1 {
            namespace.clone_from(&segments[1]);
            // /namespaces/NAME and its own subresources are about the namespace itself.
            let own = segments.len() == 2 || matches!(segments[2].as_str(), "status" | "finalize");
            if !own {
                segments.drain(..2);
            }
        }
        let mut segments = segments.into_iter();
        let resource = segments.next().unwrap_or_default();
        let name = segments.next().unwrap_or_default();
        let subresource = segments.next().unwrap_or_default();
        let rest: Vec<String> = segments.collect();
        let watch = watch_prefix || request.query_bool("watch");
        let verb = match request.method {
            Method::Post => "create",
            Method::Put => "update",
            Method::Patch => "patch",
            Method::Delete if name.is_empty() => "deletecollection",
            Method::Delete => "delete",
            Method::Get | Method::Head | Method::Options if !subresource.is_empty() => "get",
            Method::Get | Method::Head | Method::Options if watch => "watch",
            Method::Get | Method::Head | Method::Options if name.is_empty() => "list",
            Method::Get | Method::Head | Method::Options => "get",
        };
        Route {
            is_resource: true,
            group,
            version,
            namespace,
            resource,
            name,
            subresource,
            rest: rest.join("/"),
            verb,
            path: request.path.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_they_are_about() {
        let cases = [
            ("/api/v1/pods", "list||pods||"),
            ("/api/v1/namespaces/default/pods", "list|default|pods||"),
            ("/api/v1/namespaces/default/pods/a", "get|default|pods|a|"),
            ("/api/v1/namespaces/default/pods/a/log", "get|default|pods|a|log"),
            ("/api/v1/namespaces/default", "get|default|namespaces|default|"),
            ("/api/v1/namespaces/default/finalize", "get|default|namespaces|default|finalize"),
            ("/api/v1/namespaces", "list||namespaces||"),
            ("/apis/apps/v1/namespaces/x/deployments/d/scale", "get|x|deployments|d|scale"),
            ("/api/v1/watch/pods", "watch||pods||"),
            ("/apis/rbac.authorization.k8s.io/v1/clusterroles/a%3Ab", "get||clusterroles|a:b|"),
            ("/apis/apps/v1", ""),
            ("/version", ""),
        ];
        for (path, wanted) in cases {
            let route = Route::of(&Request::get(path));
            let seen = if route.is_resource {
                [route.verb, &route.namespace, &route.resource, &route.name, &route.subresource].join("|")
            } else {
                String::new()
            };
            assert_eq!(seen, wanted, "{path}");
        }
        let proxied = Route::of(&Request::get("/api/v1/namespaces/a/services/web:80/proxy/x/y"));
        assert_eq!((proxied.subresource.as_str(), proxied.rest.as_str()), ("proxy", "x/y"));
    }
}
