//! Kubernetes' own libraries: amounts, versions, addresses, URLs, named formats.

use std::cmp::Ordering;
use std::sync::Arc;

use super::eval::{Found, failed};
use super::semver::Semver;
use super::val::{Opaque, Val};
use super::{authorizer, net};
use crate::names;
use crate::quantity::Quantity;

/// The name of a value's type.
pub(super) fn name(value: &Opaque) -> &'static str {
    match value {
        Opaque::Quantity(_) => "kubernetes.Quantity",
        Opaque::Url(_) => "kubernetes.URL",
        Opaque::Ip(_) => "net.IP",
        Opaque::Cidr(..) => "net.CIDR",
        Opaque::Semver(_) => "kubernetes.Semver",
        Opaque::Format(_) => "kubernetes.NamedFormat",
        Opaque::Authorizer(question) => question.type_name(),
        Opaque::Decision(_) => "kubernetes.authorization.Decision",
    }
}

pub(super) fn text(value: &Opaque) -> String {
    match value {
        Opaque::Quantity(quantity) => quantity.to_string(),
        Opaque::Url(url) => url.text.clone(),
        Opaque::Ip(ip) => ip.to_string(),
        Opaque::Cidr(ip, length) => format!("{ip}/{length}"),
        Opaque::Semver(version) => version.text(),
        Opaque::Format(name) => (*name).to_owned(),
        other => name(other).to_owned(),
    }
}

fn order(a: &Opaque, b: &Opaque) -> Option<Ordering> {
    match (a, b) {
        (Opaque::Quantity(a), Opaque::Quantity(b)) => Some(a.sub(b).sign().cmp(&0)),
        (Opaque::Semver(a), Opaque::Semver(b)) => Some(a.order(b)),
        _ => None,
    }
}

pub(super) fn equal(a: &Opaque, b: &Opaque) -> bool {
    match (a, b) {
        (Opaque::Url(a), Opaque::Url(b)) => a == b,
        (Opaque::Ip(a), Opaque::Ip(b)) => a == b,
        (Opaque::Cidr(a, x), Opaque::Cidr(b, y)) => a == b && x == y,
        (Opaque::Format(a), Opaque::Format(b)) => a == b,
        _ => order(a, b) == Some(Ordering::Equal),
    }
}

/// A named format, and what is wrong with a text by it.
type Format = (&'static str, fn(&str) -> Vec<String>);

const FORMATS: [Format; 13] = [
    ("dns1123Label", names::is_dns1123_label),
    ("dns1123Subdomain", names::is_dns1123_subdomain),
    ("dns1035Label", names::is_dns1035_label),
    ("qualifiedName", names::is_qualified_name),
    ("dns1123LabelPrefix", |text| names::is_dns1123_label(&whole(text))),
    ("dns1123SubdomainPrefix", |text| names::is_dns1123_subdomain(&whole(text))),
    ("dns1035LabelPrefix", |text| names::is_dns1035_label(&whole(text))),
    ("labelValue", names::is_label_value),
    ("uri", |text| match net::of_text("isURL", text) {
        Some(Ok(Val::Bool(true))) => Vec::new(),
        _ => vec![format!("parse {}: invalid URI for request", crate::go::quote(text))],
    }),
    ("uuid", |text| if is_uuid(text) { vec![] } else { vec!["does not match the UUID format".into()] }),
    ("byte", |text| match crate::base64::decode(text) {
        Ok(_) => Vec::new(),
        Err(_) => vec!["invalid base64".into()],
    }),
    ("date", |text| match super::clock::timestamp(&format!("{text}T00:00:00Z")) {
        Ok(_) => Vec::new(),
        Err(_) => vec!["invalid date".into()],
    }),
    ("datetime", |text| {
        super::clock::timestamp(text).err().map(|_| "invalid datetime".to_owned()).into_iter().collect()
    }),
];

/// A prefix as a name: what may follow a dash at its end is left open.
fn whole(prefix: &str) -> String {
    match prefix.strip_suffix('-') {
        Some(before) => format!("{before}a"),
        None => prefix.to_owned(),
    }
}

fn is_uuid(text: &str) -> bool {
    let mut parts = text.split('-').map(|part| (part.len(), part.bytes().all(|b| b.is_ascii_hexdigit())));
    [8, 4, 4, 4, 12].into_iter().all(|length| parts.next() == Some((length, true))) && parts.next().is_none()
}

fn format(name: &str) -> Option<Val> {
    FORMATS.iter().find(|(known, _)| *known == name).map(|(known, _)| Opaque::Format(known).into())
}

/// A library's call, if there is one of that name.
pub(super) fn call(name: &str, args: &[Val]) -> Option<Found> {
    if let ([], Some(name)) = (args, name.strip_prefix("format.")) {
        return format(name).map(Ok);
    }
    match args {
        [Val::Str(text)] if name == "format.named" => Some(Ok(Val::Optional(format(text).map(Arc::new)))),
        [Val::Str(text), rest @ ..] => of_text(name, text, rest),
        [Val::Opaque(value), rest @ ..] => match &**value {
            Opaque::Quantity(quantity) => of_quantity(name, quantity, value, rest),
            Opaque::Url(url) => net::of_url(name, url),
            Opaque::Ip(ip) => net::of_ip(name, *ip),
            Opaque::Cidr(ip, length) => net::of_cidr(name, *ip, *length, rest),
            Opaque::Semver(version) => match name {
                "major" => Some(Ok(Val::Int(version.numbers[0] as i64))),
                "minor" => Some(Ok(Val::Int(version.numbers[1] as i64))),
                "patch" => Some(Ok(Val::Int(version.numbers[2] as i64))),
                _ => compared(name, value, rest),
            },
            Opaque::Format(known) => {
                let [Val::Str(text)] = rest else { return None };
                let (_, check) = FORMATS.iter().find(|(name, _)| name == known)?;
                let problems = check(text);
                let found = (!problems.is_empty())
                    .then(|| Arc::new(Val::from(problems.into_iter().map(Val::from).collect::<Vec<Val>>())));
                Some(Ok(Val::Optional(found)))
            }
            Opaque::Authorizer(question) => authorizer::part(question, name, rest),
            Opaque::Decision(decision) => authorizer::answer(decision, name),
        },
        _ => None,
    }
}

fn of_text(name: &str, text: &str, rest: &[Val]) -> Option<Found> {
    let lenient = matches!(rest, [Val::Bool(true)]);
    Some(match name {
        "quantity" => match Quantity::parse(text) {
            Ok(quantity) => Ok(Opaque::Quantity(quantity).into()),
            Err(why) => failed(why.to_string()),
        },
        "isQuantity" => Ok(Quantity::parse(text).is_ok().into()),
        "semver" => match Semver::parse(text, lenient) {
            Some(version) => Ok(Opaque::Semver(version).into()),
            None => failed("No Major.Minor.Patch elements found"),
        },
        "isSemver" => Ok(Semver::parse(text, lenient).is_some().into()),
        _ => return net::of_text(name, text),
    })
}

fn compared(name: &str, value: &Opaque, rest: &[Val]) -> Option<Found> {
    let [Val::Opaque(other)] = rest else { return None };
    let order = order(value, other)?;
    Some(Ok(match name {
        "isLessThan" => order.is_lt().into(),
        "isGreaterThan" => order.is_gt().into(),
        "compareTo" => Val::Int(order as i64),
        _ => return None,
    }))
}

fn of_quantity(name: &str, quantity: &Quantity, value: &Opaque, rest: &[Val]) -> Option<Found> {
    let other = match rest {
        [Val::Int(n)] => Some(Quantity::new(*n)),
        [Val::Opaque(other)] => match &**other {
            Opaque::Quantity(other) => Some(*other),
            _ => None,
        },
        _ => None,
    };
    Some(match (name, other) {
        ("sign", None) => Ok(Val::Int(quantity.sign().into())),
        ("isInteger", None) => Ok(quantity.exact().is_some().into()),
        ("asInteger", None) => match quantity.exact() {
            Some(n) => Ok(Val::Int(n)),
            None => failed("cannot convert value to integer"),
        },
        ("asApproximateFloat", None) => Ok(Val::Double(quantity.as_f64())),
        ("add", Some(other)) => Ok(Opaque::Quantity(quantity.add(&other)).into()),
        ("sub", Some(other)) => Ok(Opaque::Quantity(quantity.sub(&other)).into()),
        _ => return compared(name, value, rest),
    })
}
