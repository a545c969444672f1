//! The order in which go-yaml prints the keys of a map: other characters before letters, and numbers inside a key count as
//! numbers (`a2` before `a10`).

use std::cmp::Ordering;

/// Compares two keys as go-yaml sorts them: other characters before letters, runs of digits by their value.
pub fn compare_keys(a: &str, b: &str) -> Ordering {
    let common = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    if common == a.len() || common == b.len() {
        return a.len().cmp(&b.len());
    }
    // Back to the start of the character that differs.
    let start = (0..=common).rev().find(|at| a.is_char_boundary(*at) && b.is_char_boundary(*at)).unwrap_or(0);
    let (head, rest_a, rest_b) = (&a[..start], &a[start..], &b[start..]);
    let (Some(x), Some(y)) = (rest_a.chars().next(), rest_b.chars().next()) else { return a.len().cmp(&b.len()) };
    // After a digit a letter comes first: it ends a number that goes on in the other key.
    let after_digit = head.ends_with(char::is_numeric);
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) => return if after_digit { Ordering::Less } else { Ordering::Greater },
        (false, true) => return if after_digit { Ordering::Greater } else { Ordering::Less },
        (false, false) => {}
    }
    // A zero continues a number that has begun before it: 10 and 1x differ by length there, not by value.
    let inside_number =
        (x == '0' || y == '0') && head.chars().rev().take_while(char::is_ascii_digit).any(|digit| digit != '0');
    let number = |text: &str| {
        let digits = text.bytes().take_while(u8::is_ascii_digit);
        digits.fold((i64::from(inside_number), 0usize), |(value, length), digit| {
            (value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')), length + 1)
        })
    };
    number(rest_a).cmp(&number(rest_b)).then(x.cmp(&y))
}

/// Sorts pairs by key. Go's comparison is no total order (it is not transitive for some odd keys), which the standard
/// library's sort may refuse; insertion never minds, and maps come nearly sorted.
pub(crate) fn sort_pairs<'a, T>(pairs: impl Iterator<Item = (&'a str, T)>) -> Vec<(&'a str, T)> {
    let mut sorted: Vec<(&str, T)> = Vec::new();
    for pair in pairs {
        let at = match sorted.last() {
            Some(last) if compare_keys(last.0, pair.0) == Ordering::Greater => {
                sorted.partition_point(|known| compare_keys(known.0, pair.0) != Ordering::Greater)
            }
            _ => sorted.len(),
        };
        sorted.insert(at, pair);
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::sort_pairs;

    #[test]
    fn sorts_as_go_yaml_does() {
        let expected = [
            "",
            "%",
            ".dockerconfigjson",
            "_x",
            "1",
            "2",
            "10",
            "A",
            "B",
            "a",
            "a-b",
            "a.b",
            "a1b",
            "a2",
            "a10",
            "a100",
            "aB",
            "ab",
            "z-b",
            "z.b",
        ];
        let shuffled = expected.iter().rev().map(|key| (*key, ()));
        let sorted: Vec<&str> = sort_pairs(shuffled).into_iter().map(|(key, ())| key).collect();
        assert_eq!(sorted, expected);
    }
}
