//! Numbers that may be percentages: `maxSurge: 25%`.

use drydock_value::Value;

/// The number, or that percentage of `total`, rounded up or down. A missing value is 0.
///
/// # Errors
/// When it is neither a number nor a percentage, in Kubernetes' words.
pub fn scaled(value: &Value, total: i64, round_up: bool) -> Result<i64, String> {
    match value {
        Value::Null => Ok(0),
        Value::String(text) => {
            let Some(percent) = percent(text) else {
                return Err(format!(
                    "invalid value for IntOrString: invalid type: string is not a percentage: \"{text}\""
                ));
            };
            let product = i128::from(percent) * i128::from(total);
            let rounded = if round_up { -(-product).div_euclid(100) } else { product.div_euclid(100) };
            Ok(i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX }))
        }
        other => match other.as_i64() {
            Some(number) => Ok(number),
            None => Err("invalid value for IntOrString: invalid type: neither int nor percentage".into()),
        },
    }
}

/// The number before the `%`.
pub fn percent(text: &str) -> Option<i64> {
    text.strip_suffix('%')?.parse().ok()
}

/// The text as Kubernetes prints it: `8080`, `http`, `25%`.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.int().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use drydock_value::value;

    #[test]
    fn scales_percentages() {
        let cases = [
            (value!("25%"), 10, true, Ok(3)),
            (value!("25%"), 10, false, Ok(2)),
            (value!("25%"), 3, true, Ok(1)),
            (value!("25%"), 3, false, Ok(0)),
            (value!("100%"), 7, false, Ok(7)),
            (value!("0%"), 7, true, Ok(0)),
            (value!(5), 10, true, Ok(5)),
            (value!(null), 10, true, Ok(0)),
        ];
        for (value, total, up, expected) in cases {
            assert_eq!(scaled(&value, total, up), expected, "{value:?} of {total}");
        }
        assert_eq!(
            scaled(&value!("x"), 1, true).unwrap_err(),
            "invalid value for IntOrString: invalid type: string is not a percentage: \"x\""
        );
    }
}
