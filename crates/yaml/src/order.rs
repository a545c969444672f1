//! The order in which go-yaml prints the keys of a map: letters before everything else is not what it does, and numbers
//! inside a key count as numbers (`a2` before `a10`).

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
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
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

#[cfg(test)]
mod tests {
    #[test]
    fn sorts_as_go_yaml_does() {
        let sorted = [
            "",
            "%",
            "_x",
            ".dockerconfigjson",
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
        let mut shuffled = sorted;
        shuffled.reverse();
        shuffled.sort_by(|a, b| super::compare_keys(a, b));
        // The order that real kubectl printed these in.
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
        assert_eq!(shuffled, expected);
    }
}
