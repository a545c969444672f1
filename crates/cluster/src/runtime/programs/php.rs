//! As much PHP as a page needs that keeps a processor busy: `echo` of a text, and loops that count to a number.

/// What a page prints, and how often its loops go round.
pub fn run(source: &str) -> (String, u64) {
    let (mut printed, mut rounds) = (String::new(), 0_u64);
    let mut rest = source;
    while let Some((text, code)) = rest.split_once("<?php") {
        printed.push_str(text);
        let (code, after) = code.split_once("?>").unwrap_or((code, ""));
        let mut words = code;
        while let Some(at) = ["echo", "for"].iter().filter_map(|word| words.find(word)).min() {
            let (echo, tail) = (words[at..].starts_with("echo"), &words[at + 3..]);
            if echo {
                let text = tail.split('"').nth(1).unwrap_or_default();
                printed.push_str(&text.replace("\\n", "\n"));
            } else {
                let condition = tail.split(';').nth(1).unwrap_or_default();
                let digits: String = condition.chars().skip_while(|c| *c != '<').filter(char::is_ascii_digit).collect();
                rounds = rounds.saturating_add(digits.parse().unwrap_or(0));
            }
            // What stands in the statement is not looked at again.
            words = tail.split_once([';', ')']).map_or("", |(_, tail)| tail);
        }
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    printed.push_str(rest);
    (printed, rounds)
}

#[cfg(test)]
mod tests {
    use super::run;

    #[test]
    fn pages_print_and_count() {
        let cases = [
            ("plain\n", "plain\n", 0),
            ("a <?php echo \"b\"; ?> c", "a b c", 0),
            ("<?php\nfor ($i = 0; $i < 500; $i++) { $x += $i; }\necho \"OK!\";\n?>\n", "OK!", 500),
            ("<?php for ($i = 0; $i <= 10; $i++) {} for ($i = 0; $i < 5; $i++) {}", "", 15),
        ];
        for (source, printed, rounds) in cases {
            assert_eq!(run(source), (printed.to_owned(), rounds), "{source}");
        }
    }
}
