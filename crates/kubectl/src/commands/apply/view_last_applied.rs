//! `kubectl apply view-last-applied`

use drydock_value::{parse_json, to_json_pretty};

use crate::builder::{self, Query};
use crate::change::{applied, each};
use crate::commands::{Outcome, acts};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::Invocation;
use crate::printers::go;

/// The flags that it acts on.
pub const FLAGS: &[&[&str]] = &[acts::FILES, &["all", "output", "selector"]];

/// `kubectl apply view-last-applied`
///
/// # Errors
/// kubectl's own.
pub fn run(inv: &mut Invocation, io: &mut Io<'_>) -> Result<Outcome, Failure> {
    let output = inv.flags.str("output").to_owned();
    let args = inv.args.clone();
    let query = Query { latest: true, continue_on_error: false, ..Query::new(inv, io, &args)? };
    let found = builder::find(&query, inv, io)?;
    let texts: Vec<_> = {
        let mut texts = Vec::new();
        let outcome = each(found, |info| {
            texts.extend(applied::original(&info.object).map(str::to_owned));
            Ok(())
        });
        if !texts.is_empty() && !matches!(output.as_str(), "json" | "yaml") {
            let words = format!("Unexpected -o output mode: {output}, the flag 'output' must be one of yaml|json");
            return Err(inv.usage(words));
        }
        outcome?;
        texts
    };
    for text in texts {
        let value = parse_json(&text).map_err(|error| error.to_string())?;
        if output == "json" {
            io.println(go::escape_html(&to_json_pretty(&value, 2)));
        } else {
            io.print(drydock_yaml::to_yaml(&value));
        }
    }
    Ok(Outcome::Done)
}
