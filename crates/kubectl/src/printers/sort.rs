//! `--sort-by`.

use drydock_sorted::Sort;
use std::cmp::Ordering;

use drydock_schema::quantity::Quantity;
use drydock_value::Value;

use super::jsonpath::{JsonPath, relaxed};

/// So many at most are sorted by insertion, one after the other.
const FEW: usize = 12;

/// The order in which items stand once they are sorted by a field. `objects` are what the expression is applied to.
/// Objects without the field come first.
///
/// # Errors
/// kubectl's words, when the expression is wrong or nothing has the field.
pub fn order(objects: &[Value], field: &str) -> Result<Vec<usize>, String> {
    let expression = relaxed(field).unwrap_or_else(|_| field.to_owned());
    let path = JsonPath::parse(&expression)?;
    let mut keys: Vec<Option<Value>> = Vec::new();
    for object in objects {
        keys.push(path.find(object)?.into_iter().next().and_then(|found| found.into_iter().next()));
    }
    if !objects.is_empty() && keys.iter().all(Option::is_none) {
        return Err(format!(
            "couldn't find any field with path {} in the list of objects",
            crate::failure::quote(&expression)
        ));
    }
    let mut wrong = None;
    let mut by = |a: usize, b: usize| match (&keys[a], &keys[b]) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(a), Some(b)) => compare(a, b).unwrap_or_else(|why| {
            wrong = Some(why);
            Ordering::Equal
        }),
    };
    let mut places: Vec<usize> = (0..objects.len()).collect();
    if places.len() > FEW {
        places.sort_compact_by(|a, b| by(*a, *b));
    } else {
        // As Go sorts: what has no such field is less than anything, even than its like, so it comes in reverse order.
        for end in 1..places.len() {
            let mut at = end;
            while at > 0 && (keys[places[at]].is_none() || by(places[at], places[at - 1]) == Ordering::Less) {
                places.swap(at, at - 1);
                at -= 1;
            }
        }
    }
    match wrong {
        Some(why) => {
            Err(format!("Field {expression} in [][][]reflect.Value is an unsortable type: interface, err: {why}"))
        }
        None => Ok(places),
    }
}

fn compare(a: &Value, b: &Value) -> Result<Ordering, String> {
    Ok(match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
        (Value::String(a), Value::String(b)) => match (Quantity::parse(a), Quantity::parse(b)) {
            (Ok(x), Ok(y)) => x.cmp(&y),
            _ => a.cmp(b),
        },
        (Value::Int(_) | Value::Float(_) | Value::String(_), _) => return Err("unsortable interface: interface".into()),
        (Value::Bool(_), _) => return Err("unsortable type: bool".into()),
        (Value::Array(_), _) => return Err("unsortable type: []interface {}".into()),
        (Value::Object(_), _) => return Err("unsortable type: map[string]interface {}".into()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn sorts_as_kubectl() {
        let pods = [
            value!({"n": "alpha", "rank": "10", "mem": "1Gi", "g": 30}),
            value!({"n": "beta", "rank": "9", "mem": "200Mi", "g": 7}),
            value!({"n": "gamma", "g": 100}),
        ];
        assert_eq!(order(&pods, ".rank").unwrap(), [2, 1, 0]);
        assert_eq!(order(&pods, "{.mem}").unwrap(), [2, 1, 0]);
        assert_eq!(order(&pods, "g").unwrap(), [1, 0, 2]);
        assert_eq!(
            order(&pods, ".nope.nothing").unwrap_err(),
            "couldn't find any field with path \"{.nope.nothing}\" in the list of objects"
        );
        let names = ["p9", "p10", "p1a", "p01"].map(|name| value!({"n": name}));
        assert_eq!(order(&names, ".n").unwrap(), [3, 1, 2, 0], "numbers in names are no numbers");
        let some = [value!({}), value!({"x": "b"}), value!({}), value!({"x": "a"})];
        assert_eq!(order(&some, ".x").unwrap(), [2, 0, 3, 1], "what has none comes first, backwards");
    }
}
