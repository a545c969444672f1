//! The table of events at the end of most descriptions.

use drydock_sorted::Sort;
use drydock_value::Value;

use super::context::Context;
use super::writer::Writer;

/// Writes events, oldest first by when they were last seen; nothing when there was no asking for them.
pub fn events(w: &mut Writer, events: Option<Vec<Value>>, ctx: &Context) {
    let Some(mut events) = events else { return };
    if events.is_empty() {
        w.field(0, "Events", "<none>");
        return;
    }
    w.flush();
    events.sort_compact_by(|a, b| moment(&a["lastTimestamp"]).cmp(&moment(&b["lastTimestamp"])));
    w.line(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage");
    w.line(1, "----\t------\t----\t----\t-------");
    for event in &events {
        let mut source = event["source"]["component"].str();
        if source.is_empty() {
            source = event["reportingComponent"].str();
        }
        let mut message = event["message"].str().trim().to_owned();
        let path = event["involvedObject"]["fieldPath"].str();
        if !path.is_empty() {
            message = format!("{path}: {message}");
        }
        let (kind, reason, age) = (event["type"].str(), event["reason"].str(), age(event, ctx));
        w.line(1, &format!("{kind}\t{reason}\t{age}\t{source}\t{message}"));
    }
}

fn moment(timestamp: &Value) -> Option<drydock_value::Time> {
    drydock_value::Time::parse_rfc3339(timestamp.str())
}

/// `2s`, or `2s (x3 over 10s)` for what happened more than once.
fn age(event: &Value, ctx: &Context) -> String {
    let event_time = &event["eventTime"];
    let first = ctx.ago(if event_time.is_null() { &event["firstTimestamp"] } else { event_time });
    let series = &event["series"];
    if !series.is_null() {
        let last = ctx.ago(&series["lastObservedTime"]);
        return format!("{last} (x{} over {first})", series["count"].int());
    }
    let count = event["count"].int();
    if count > 1 { format!("{} (x{count} over {first})", ctx.ago(&event["lastTimestamp"])) } else { first }
}
