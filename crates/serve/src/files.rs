//! A folder of files beside the API: the page that was built, say.

use std::path::{Component, Path, PathBuf};

use drydock_api::Method;
use hyper::header::{self, HeaderValue};

use crate::message::{self, Outgoing};

/// The beginnings of the API's own paths.
const API: [&str; 9] = ["api", "apis", "healthz", "livez", "readyz", "version", "openapi", "openid", "metrics"];

/// Content types by extension.
const TYPES: [(&str, &str); 12] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript"),
    ("mjs", "text/javascript"),
    ("css", "text/css"),
    ("wasm", "application/wasm"),
    ("json", "application/json"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("ico", "image/x-icon"),
    ("woff2", "font/woff2"),
    ("md", "text/markdown; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
];

/// A folder.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
}

fn kind(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    TYPES.iter().find(|(known, _)| *known == extension).map_or("application/octet-stream", |(_, kind)| kind)
}

impl Files {
    pub(crate) fn new(folder: PathBuf) -> Files {
        Files { folder }
    }

    /// The file that a path may mean. Nothing outside the folder.
    fn path(&self, path: &str) -> Option<PathBuf> {
        let relative = Path::new(path.trim_start_matches('/'));
        let first = relative.components().next();
        let own = first.is_some_and(|first| API.iter().any(|name| first.as_os_str() == *name));
        let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
        (plain && !own).then(|| self.folder.join(relative))
    }

    /// The answer, if a request is for a file that is there. The root is the API's, unless a browser asks for it.
    pub(crate) async fn find(
        &self,
        method: Method,
        parts: &hyper::http::request::Parts,
    ) -> Option<hyper::Response<Outgoing>> {
        if !matches!(method, Method::Get | Method::Head) {
            return None;
        }
        let path = parts.uri.path();
        let accept = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        if path == "/" && !accept.contains("text/html") {
            return None;
        }
        let mut found = self.path(path)?;
        tokio::task::spawn_blocking(move || {
            if found.is_dir() {
                found.push("index.html");
            }
            let bytes = std::fs::read(&found).ok()?;
            let mut response = hyper::Response::new(message::body(bytes));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(&found)));
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            Some(response)
        })
        .await
        .ok()?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_folder_and_off_the_api() {
        let files = Files::new("/site".into());
        let path = |text| files.path(text).map(|path| path.to_string_lossy().into_owned());
        assert_eq!(path("/"), Some("/site/".into()));
        assert_eq!(path("/a/b.js"), Some("/site/a/b.js".into()));
        assert_eq!(path("/apis.html"), Some("/site/apis.html".into()));
        for refused in ["/../etc/passwd", "/a/../../b", "/api/v1", "/apis", "/version"] {
            assert_eq!(path(refused), None, "{refused}");
        }
    }
}
