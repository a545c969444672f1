//! Certificate signing requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drydock_value::Value;

use super::context::Context;
use super::events::events;
use super::format::{format_labels, rfc1123};
use super::{Described, writer::Writer};
use drydock_pki::der::{OBJECT_ID, children, element};

/// The parts of a subject that are shown: object identifier (2.5.4.x) and title.
const SUBJECT_LISTS: [(u8, &str); 7] = [
    (10, "Organization"),
    (11, "Organizational Unit"),
    (6, "Country"),
    (7, "Locality"),
    (8, "Province"),
    (9, "StreetAddress"),
    (17, "PostalCode"),
];

/// Describes a certificate signing request.
pub fn signing_request(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    let (metadata, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let request = STANDARD.decode(spec["request"].str()).ok();
    let Some(request) = request.and_then(|pem| read(&String::from_utf8_lossy(&pem))) else {
        return Err("Error parsing CSR: PEM block type must be CERTIFICATE REQUEST".into());
    };
    w.field(0, "Name", metadata["name"].str());
    w.field(0, "Labels", &format_labels(&metadata["labels"]));
    w.field(0, "Annotations", &format_labels(&metadata["annotations"]));
    w.field(0, "CreationTimestamp", &rfc1123(&metadata["creationTimestamp"]));
    w.field(0, "Requesting User", spec["username"].str());
    if !spec["signerName"].is_empty() {
        w.field(0, "Signer", spec["signerName"].str());
    }
    if let Some(seconds) = spec["expirationSeconds"].as_i64() {
        let duration = std::time::Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
        w.field(0, "Requested Duration", &drydock_schema::duration::human(duration));
    }
    w.field(0, "Status", &state(status));
    w.line(0, "Subject:");
    let subject = |id: u8| request.subject.iter().filter(move |(kind, _)| *kind == id).map(|(_, text)| text.as_str());
    w.line(0, &format!("\tCommon Name:\t{}", subject(3).next_back().unwrap_or("")));
    w.line(0, &format!("\tSerial Number:\t{}", subject(5).next_back().unwrap_or("")));
    for (id, title) in SUBJECT_LISTS {
        list(w, title, &subject(id).collect::<Vec<_>>());
    }
    let names = |kind: u8| request.names.iter().filter(move |(given, _)| *given == kind).map(|(_, text)| text.as_str());
    if !request.names.is_empty() {
        w.line(0, "Subject Alternative Names:");
        for (kind, title) in [(2, "DNS Names"), (1, "Email Addresses"), (6, "URIs"), (7, "IP Addresses")] {
            list(w, title, &names(kind).collect::<Vec<_>>());
        }
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

fn list(w: &mut Writer, title: &str, values: &[&str]) {
    if !values.is_empty() {
        w.line(0, &format!("\t{title}:\t{}", values.join("\n\t\t")));
    }
}

/// What became of a request, from its conditions.
pub fn state(status: &Value) -> String {
    let has = |kind: &str| status["conditions"].find("type", kind).is_some();
    let mut state = if has("Denied") {
        "Denied".to_owned()
    } else if has("Approved") {
        "Approved".to_owned()
    } else {
        "Pending".to_owned()
    };
    if has("Failed") {
        state.push_str(",Failed");
    }
    if !status["certificate"].is_empty() {
        state.push_str(",Issued");
    }
    state
}

/// What a request asks for: attributes of its subject (2.5.4.x), and alternative names by their kind.
struct Request {
    subject: Vec<(u8, String)>,
    names: Vec<(u8, String)>,
}

fn read(pem: &str) -> Option<Request> {
    let asked = drydock_pki::request::asked(pem)?;
    let mut subject = Vec::new();
    let inside = |bytes| element(bytes).map(|(_, content, _)| children(content)).unwrap_or_default();
    for (_, attribute) in inside(&asked.name).into_iter().flat_map(|(_, set)| children(set)) {
        if let [(OBJECT_ID, [0x55, 0x04, kind]), (_, value)] = children(attribute).as_slice() {
            subject.push((*kind, String::from_utf8_lossy(value).into_owned()));
        }
    }
    let names = inside(&asked.names).into_iter().filter_map(|(tag, name)| alternative_name(tag, name)).collect();
    Some(Request { subject, names })
}

fn alternative_name(tag: u8, name: &[u8]) -> Option<(u8, String)> {
    let kind = tag & 0x1f;
    let text = match (kind, name) {
        (7, &[a, b, c, d]) => format!("{a}.{b}.{c}.{d}"),
        (7, bytes) => std::net::Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).to_string(),
        (1 | 2 | 6, bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => return None,
    };
    Some((kind, text))
}
