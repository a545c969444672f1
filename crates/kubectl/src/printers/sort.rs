//! `--sort-by`.

use drydock_sorted::Sort;
use std::cmp::Ordering;

use drydock_schema::quantity::Quantity;
use drydock_value::Value;

use super::jsonpath::{JsonPath, relaxed};

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
    let mut places: Vec<usize> = (0..objects.len()).collect();
    let mut wrong = None;
    places.sort_compact_by(|a, b| {
        match (keys.get(*a).and_then(Option::as_ref), keys.get(*b).and_then(Option::as_ref)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => compare(a, b).unwrap_or_else(|why| {
                wrong = Some(why);
                Ordering::Equal
            }),
        }
    });
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
            _ => natural(a, b),
        },
        (Value::Int(_) | Value::Float(_) | Value::String(_), _) => return Err("unsortable interface: interface".into()),
        (Value::Bool(_), _) => return Err("unsortable type: bool".into()),
        (Value::Array(_), _) => return Err("unsortable type: []interface {}".into()),
        (Value::Object(_), _) => return Err("unsortable type: map[string]interface {}".into()),
    })
}

/// Natural order: runs of digits by their number.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut x, mut y) = (a.as_bytes(), b.as_bytes());
    loop {
        let (Some(p), Some(q)) = (x.first(), y.first()) else { return x.len().cmp(&y.len()) };
        if p.is_ascii_digit() && q.is_ascii_digit() {
            let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let zeros = |text: &[u8]| text.iter().take_while(|byte| **byte == b'0').count();
            let (n, m) = (digits(x), digits(y));
            let (zx, zy) = (zeros(x).min(n), zeros(y).min(m));
            let order = (n - zx).cmp(&(m - zy)).then_with(|| x[zx..n].cmp(&y[zy..m])).then(zx.cmp(&zy));
            if order != Ordering::Equal {
                return order;
            }
            (x, y) = (&x[n..], &y[m..]);
        } else if p == q {
            (x, y) = (&x[1..], &y[1..]);
        } else {
            return p.cmp(q);
        }
    }
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
        assert_eq!(natural("pod-9", "pod-10"), Ordering::Less);
    }
}
