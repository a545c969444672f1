//! Namespaces, and what pods are configured with.

use drydock_value::{Map, Value};

use super::cells::Print;

fn count(map: &Value) -> usize {
    map.as_object().map_or(0, Map::len)
}

pub(super) fn config_map(print: &Print<'_>) -> Vec<Value> {
    let count = count(&print.object["data"]) + count(&print.object["binaryData"]);
    vec![print.name(), count.into(), print.own_age()]
}

pub(super) fn secret(print: &Print<'_>) -> Vec<Value> {
    vec![print.name(), print.object["type"].clone(), count(&print.object["data"]).into(), print.own_age()]
}

pub(super) fn namespace(print: &Print<'_>) -> Vec<Value> {
    vec![print.name(), print.status()["phase"].str().into(), print.own_age()]
}
