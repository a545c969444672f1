//! OpenAPI: the types and paths of everything that is served, made from the tables (and from CRDs) when somebody asks.
//!
//! - [`schemas`]: types. [`paths`]: what can be done where.
//! - Version 3 is one document a group version, with an index of them; version 2 is one document of it all.
//!
//! Descriptions are large and not part of the program: [`ApiServer::set_descriptions`] brings them in.

mod paths;
mod protobuf;
mod schemas;

use std::sync::Arc;

use drydock_api::{Request, Response, Status};
use drydock_schema::Descriptions;
use drydock_value::{Map, Value, value};

use crate::registry::Served;
use crate::server::ApiServer;
use schemas::Writer;

/// Which OpenAPI a document is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edition {
    V2,
    V3,
}

impl ApiServer {
    /// Brings in what types and fields are for, in words: the blob that `drydock-descriptions` makes.
    ///
    /// # Errors
    /// When it is none.
    pub fn set_descriptions(&mut self, blob: &[u8]) -> Result<(), String> {
        self.descriptions = Some(Arc::new(Descriptions::parse(blob)?));
        Ok(())
    }

    /// Takes the descriptions over that another server was given.
    pub fn describe_as(&mut self, other: &ApiServer) {
        self.descriptions.clone_from(&other.descriptions);
    }

    /// Answers `/openapi/...`; `rest` is the path after it.
    pub(crate) fn openapi(&self, rest: &[&str], request: &Request) -> Result<Response, Status> {
        let all = self.served();
        let document: Box<dyn FnOnce() -> String> = match rest {
            ["v3"] => Box::new(|| drydock_value::to_json(&self.openapi_index(&all))),
            ["v3", path @ ..] => {
                let mine: Vec<&'static Served> = match path {
                    ["api", version] => of_version(&all, "", version),
                    ["apis", group, version] => of_version(&all, group, version),
                    ["apis", group] if all.iter().any(|served| served.group() == *group) => Vec::new(),
                    ["api" | "apis" | "version"] | ["openid", "v1", "jwks"] => Vec::new(),
                    _ => return Err(Status::no_such_path()),
                };
                if mine.is_empty() && matches!(path, ["api", _] | ["apis", _, _]) {
                    return Err(Status::no_such_path());
                }
                Box::new(move || self.document(Edition::V3, &mine))
            }
            ["v2"] => Box::new(|| self.document(Edition::V2, &all)),
            _ => return Err(Status::no_such_path()),
        };
        let accept = request.header_value("accept").unwrap_or_default();
        let packed = rest == ["v2"] && protobuf::is_wanted(accept);
        if !packed && !accept.is_empty() && !["json", "*/*", "application/*"].iter().any(|form| accept.contains(form)) {
            return Err(Status::new(
                406,
                "NotAcceptable",
                "only the following media types are accepted: application/json",
            ));
        }
        let tag = self.tag(&rest.join("/"));
        let quoted = format!("\"{tag}\"");
        if let Some(asked) = request.query_value("hash").filter(|asked| *asked != tag) {
            let _ = asked;
            let mut response = Response { code: 301, ..Response::default() };
            response.headers.push(("location".into(), format!("{}?hash={tag}", request.path)));
            return Ok(response);
        }
        let known = request.header_value("if-none-match");
        let mut response = if known.is_some_and(|known| known.split(',').any(|known| known.trim() == quoted)) {
            Response { code: 304, ..Response::default() }
        } else if packed {
            let body = drydock_api::Body::Bytes(self.packed(&self.served()));
            Response { code: 200, headers: vec![("content-type".into(), protobuf::TYPE.into())], body }
        } else {
            let mut response = Response::text(200, document());
            response.headers = vec![("content-type".into(), "application/json".into())];
            response
        };
        response.headers.push(("etag".into(), quoted));
        if request.query_value("hash").is_some() {
            response.headers.push(("cache-control".into(), "public, immutable".into()));
        }
        Ok(response)
    }

    /// What tells a document's state: it follows from the path, the version, what CRDs say, and whether there are words.
    fn tag(&self, path: &str) -> String {
        let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        let mut eat = |text: &str| {
            for byte in text.bytes().chain([0]) {
                hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
            }
        };
        eat(path);
        eat(&self.config.version);
        eat(if self.descriptions.is_some() { "described" } else { "" });
        for version in self.custom_versions() {
            let served = &version.served;
            let about = format!("{}/{}", served.group(), served.version());
            if path == "v2" || path == "v3" || path.ends_with(&about) {
                eat(&about);
                eat(served.resource());
                eat(&drydock_value::to_json(&version.schema));
            }
        }
        format!("{hash:032X}")
    }

    fn openapi_index(&self, all: &[&'static Served]) -> Value {
        let mut paths: Vec<String> = ["api", "apis", "version", "openid/v1/jwks"].map(str::to_owned).to_vec();
        for served in all {
            if served.group().is_empty() {
                paths.push(format!("api/{}", served.version()));
            } else {
                paths.push(format!("apis/{}", served.group()));
                paths.push(format!("apis/{}/{}", served.group(), served.version()));
            }
        }
        let entries: Map = paths
            .into_iter()
            .map(|path| {
                let url = format!("/openapi/v3/{path}?hash={}", self.tag(&format!("v3/{path}")));
                (path, value!({"serverRelativeURL": url}))
            })
            .collect();
        value!({"paths": entries})
    }

    /// The types of version 2 in protocol buffers.
    fn packed(&self, served: &[&'static Served]) -> Vec<u8> {
        let (schemas, _) = self.contents(Edition::V2, served);
        protobuf::document(self.config.version.trim_start_matches('v'), &schemas.into())
    }

    /// Schemas and paths.
    fn contents(&self, edition: Edition, served: &[&'static Served]) -> (Map, Map) {
        let mut writer = Writer::new(edition, self.descriptions.as_deref());
        let mut paths = Map::new();
        for served in served {
            paths::of_resource(&mut writer, served, &mut paths);
        }
        let mut groups: Vec<(&str, &str)> = served.iter().map(|served| (served.group(), served.version())).collect();
        groups.dedup();
        for (group, version) in groups {
            paths::of_version(&mut writer, group, version, &mut paths);
        }
        (writer.finish(), paths)
    }

    /// A document as text, in the order in which people read it.
    fn document(&self, edition: Edition, served: &[&'static Served]) -> String {
        let (schemas, paths) = self.contents(edition, served);
        let info = value!({"title": "Kubernetes", "version": self.config.version.trim_start_matches('v')});
        let security = value!({"BearerToken": {
            "description": "Bearer Token authentication", "type": "apiKey", "name": "authorization", "in": "header"
        }});
        let parts = match edition {
            Edition::V2 => vec![
                ("swagger", value!("2.0")),
                ("info", info),
                ("paths", paths.into()),
                ("definitions", schemas.into()),
                ("securityDefinitions", security),
                ("security", value!([{"BearerToken": []}])),
            ],
            Edition::V3 => vec![
                ("openapi", value!("3.0.0")),
                ("info", info),
                ("paths", paths.into()),
                ("components", value!({"schemas": schemas, "securitySchemes": security})),
            ],
        };
        let parts: Vec<String> =
            parts.into_iter().map(|(key, value)| format!("\"{key}\":{}", drydock_value::to_json(&value))).collect();
        format!("{{{}}}", parts.join(","))
    }
}

fn of_version(all: &[&'static Served], group: &str, version: &str) -> Vec<&'static Served> {
    all.iter().copied().filter(|served| served.group() == group && served.version() == version).collect()
}

#[cfg(test)]
mod tests;
