//! `kubectl auth whoami`.

use drydock_api::{Method, Request};
use drydock_value::value;

use crate::change::printing::Printing;
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};
use crate::printers::{self, go};

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::PRINT];

/// `kubectl auth whoami`
///
/// # Errors
/// The server's refusal.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let printer = printers::for_output_given(inv, io)?.is_some();
    let mut printing = Printing::new(inv, io, DryRun::None)?;
    let review = value!({
        "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {"creationTimestamp": null}, "status": {"userInfo": {}}
    });
    let request = Request::new(Method::Post, "/apis/authentication.k8s.io/v1/selfsubjectreviews").with_value(review);
    let answer = inv.client(io)?.value(io, request)?;
    if printer {
        printing.typed(io, &answer, "")?;
        return Ok(Outcome::Done);
    }
    let user = &answer["status"]["userInfo"];
    let mut tabs = printers::tabs::Tabs::table();
    tabs.row(&["ATTRIBUTE", "VALUE"]);
    for (title, field) in [("Username", "username"), ("UID", "uid"), ("Groups", "groups")] {
        if !user[field].is_empty() {
            tabs.row(&[title, &go::print(&user[field])]);
        }
    }
    for (key, values) in user["extra"].entries() {
        tabs.row(&[&format!("Extra: {key}"), &go::print(values)]);
    }
    let text = tabs.flush();
    io.print(text);
    Ok(Outcome::Done)
}
