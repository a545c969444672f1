//! Pages of lists: the tokens that lead to the next one, and objects as they were at an earlier revision.

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use drydock_api::Status;
use drydock_sorted::SortedMap;
use drydock_value::{Value, parse_json, to_json, value};

use super::go_json;
use super::params::ListOptions;
use crate::kinds::Kind;
use crate::selection::Selection;
use crate::server::ApiServer;

/// Continue tokens are base64 for URLs, without padding; like Go's decoder, this one ignores bits that are left over.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// How long a revision can be listed, in microseconds: the real server has its storage compacted as often.
const COMPACTION: u64 = 300_000_000;

/// A page of a list, as its token says it.
pub(super) struct Page {
    /// The token's own words.
    start: String,
    /// Namespace and name of the last object of the page before.
    pub(super) namespace: String,
    pub(super) name: String,
    /// The list's revision and the moment of its first page; None when the pages need not be of one revision.
    pub(super) of: Option<(u64, u64)>,
}

impl Page {
    /// The refusal of a page whose revision is gone. It has a token that leads on all the same.
    pub(super) fn too_old(&self) -> Status {
        let mut status = Status::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new \
             list without the continue parameter, or use the continue token in this response to retrieve the \
             remainder of the results. Continuing with the provided token results in an inconsistent list - \
             objects that were created, modified, or deleted between the time the first chunk was returned and \
             now may show up in the list.",
        );
        status.continued = token(&self.start, None);
        status
    }
}

/// The refusal of a list at a revision that is gone.
pub(super) fn too_old() -> Status {
    Status::expired("The resourceVersion for the provided list is too old.")
}

/// Where the page after an object begins.
pub(super) fn start_of(last: &Value) -> String {
    format!("{}\0", place(last))
}

/// Where an object stands among those of its kind.
fn place(object: &Value) -> String {
    let metadata = &object["metadata"];
    match metadata["namespace"].str() {
        "" => metadata["name"].str().to_owned(),
        namespace => format!("{namespace}/{}", metadata["name"].str()),
    }
}

pub(super) fn token(start: &str, of: Option<(u64, u64)>) -> String {
    let token = match of {
        Some((revision, listed)) => value!({"v": "meta.k8s.io/v1", "rv": revision, "start": start, "at": listed}),
        None => value!({"v": "meta.k8s.io/v1", "rv": -1, "start": start}),
    };
    BASE64.encode(to_json(&token))
}

fn read_token(token: &str, now: u64) -> Result<Page, Status> {
    let refuse = |why: String| Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
    let bytes = BASE64.decode(token).map_err(|_| {
        let at = token.bytes().position(|b| !b.is_ascii_alphanumeric() && b != b'-' && b != b'_');
        refuse(format!("illegal base64 data at input byte {}", at.unwrap_or(token.len())))
    })?;
    if let Some(why) = go_json::error(&bytes) {
        return Err(refuse(why));
    }
    let token = std::str::from_utf8(&bytes).ok().and_then(|text| parse_json(text).ok()).unwrap_or_default();
    let version = token["v"].str();
    if version != "meta.k8s.io/v1" {
        return Err(refuse(format!("server does not recognize this encoded version {version:?}")));
    }
    let start = token["start"].str();
    let revision = token["rv"].int();
    if revision == 0 {
        return Err(refuse("incorrect encoded start resourceVersion (version meta.k8s.io/v1)".into()));
    }
    if start.is_empty() {
        return Err(refuse("encoded start key empty (version meta.k8s.io/v1)".into()));
    }
    // A key that would lead out of the kind's own.
    let mut segments = start.trim_start_matches('/').split('/');
    if segments.any(|segment| matches!(segment, "" | "." | "..")) {
        return Err(refuse(start.into()));
    }
    let place = start.trim_start_matches('/').trim_end_matches('\0');
    let (namespace, name) = place.split_once('/').unwrap_or(("", place));
    let listed = token["at"].as_i64().and_then(|at| u64::try_from(at).ok()).unwrap_or(now);
    let of = u64::try_from(revision).ok().map(|revision| (revision, listed));
    Ok(Page { start: start.into(), namespace: namespace.into(), name: name.into(), of })
}

impl ApiServer {
    /// What a list's token leads to, unless it is too old.
    pub(super) fn page(&self, options: &ListOptions) -> Result<Page, Status> {
        let page = read_token(&options.continued, self.now.0)?;
        if !matches!(options.resource_version.as_str(), "" | "0") {
            return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
        }
        if page.of.is_some_and(|(_, listed)| self.now.0 >= listed.saturating_add(COMPACTION)) {
            return Err(page.too_old());
        }
        Ok(page)
    }

    /// Visits the selected objects as they were at a revision, in storage order, until the visitor answers false: what is
    /// there now, with every object that has changed since put back. False when the revision is forgotten.
    pub(super) fn visit_at(
        &self,
        kind: Kind,
        namespace: &str,
        selection: &Selection,
        after: Option<(&str, &str)>,
        revision: u64,
        visit: &mut dyn FnMut(&Value) -> bool,
    ) -> bool {
        if self.store.newest_change(kind) <= revision {
            self.visit(kind, namespace, selection, after, visit);
            return true;
        }
        let Some(changes) = self.store.changes_since(kind, revision) else { return false };
        // By their places: what the objects were that have changed since, or nothing.
        let mut changed: SortedMap<String, Value> = SortedMap::default();
        for (number, change) in changes.enumerate() {
            // What it has been for too long is not that any more.
            if number == 0 && self.now.0 >= change.by.at.0.saturating_add(COMPACTION) {
                return false;
            }
            let place = place(&change.object);
            if changed.get(&place).is_none() {
                changed.insert(place, change.old.clone().unwrap_or_default());
            }
        }
        let last = after.map(
            |(namespace, name)| {
                if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
            },
        );
        let mut back = changed.iter().filter(|(place, old)| {
            !old.is_null()
                && last.as_ref().is_none_or(|last| *place > last)
                && (namespace.is_empty() || old["metadata"]["namespace"] == *namespace)
                && selection.matches(kind, old)
        });
        let mut next = back.next();
        let mut wanted = true;
        self.visit(kind, namespace, selection, after, &mut |object| {
            let place = place(object);
            while let Some((_, old)) = next.filter(|(before, _)| **before < place) {
                next = back.next();
                wanted = visit(old);
                if !wanted {
                    return false;
                }
            }
            if changed.get(&place).is_none() {
                wanted = visit(object);
            }
            wanted
        });
        while let Some((_, old)) = next.filter(|_| wanted) {
            next = back.next();
            wanted = visit(old);
        }
        true
    }
}
