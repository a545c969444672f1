//! Config maps, secrets and service accounts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drydock_value::Value;

use super::context::Context;
use super::events::events;
use super::format::{heading, multiline};
use super::{Described, writer::Writer};

/// Describes a config map with all it holds.
pub fn config_map(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    heading(w, object, true);
    w.line(0, "\nData\n====");
    for (key, value) in object["data"].entries() {
        w.line(0, &format!("{key}:\n----"));
        w.line(0, value.str());
        w.line(0, "");
    }
    w.line(0, "\nBinaryData\n====");
    for (key, value) in object["binaryData"].entries() {
        w.line(0, &format!("{key}: {} bytes", decoded(value).len()));
    }
    w.line(0, "");
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}

fn decoded(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.str()).unwrap_or_default()
}

/// Describes a secret, by the sizes of what it holds.
pub fn secret(w: &mut Writer, object: &Value, _: &mut Context) -> Described {
    let kind = object["type"].str();
    heading(w, object, true);
    w.line(0, &format!("\nType:\t{kind}"));
    w.line(0, "\nData\n====");
    for (key, value) in object["data"].entries() {
        let bytes = decoded(value);
        if key == "token" && kind == "kubernetes.io/service-account-token" {
            w.field(0, key, &String::from_utf8_lossy(&bytes));
        } else {
            w.field(0, key, &format!("{} bytes", bytes.len()));
        }
    }
    Ok(())
}

/// Describes a service account.
pub fn service_account(w: &mut Writer, object: &Value, ctx: &mut Context) -> Described {
    heading(w, object, true);
    let secrets: Vec<String> =
        object["imagePullSecrets"].items().iter().map(|secret| secret["name"].str().to_owned()).collect();
    if secrets.len() < 2 {
        multiline(w, "", "Image pull secrets", &secrets);
    } else {
        for (i, secret) in secrets.iter().enumerate() {
            let title = if i == 0 { "Image pull secrets:" } else { "                   " };
            w.line(0, &format!("{title}\t{secret}"));
        }
    }
    let about = ctx.events(object);
    events(w, about, ctx);
    Ok(())
}
