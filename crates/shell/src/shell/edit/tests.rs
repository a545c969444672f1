//! Keys to lines, without a terminal.

use super::{Editor, Event, History, Key, Keys};

/// Types bytes into a new line: the line as it stands, with `|` for the cursor, and the last event.
fn typed(bytes: &[u8], history: &History) -> (String, Option<Event>) {
    let mut keys = Keys::default();
    let mut editor = Editor::new("$ ", 80);
    let mut last = None;
    keys.push(bytes);
    while let Some(key) = keys.next() {
        let (_, event) = editor.key(&key, history);
        last = event.or(last);
    }
    let (before, after) = editor.halves();
    (format!("{before}|{after}"), last)
}

#[test]
fn editing() {
    let history = History::load("first command\nkubectl get pods\n");
    for (bytes, line) in [
        ("abc", "abc|"),
        ("abc\x1b[D\x1b[DX", "aX|bc"),
        ("abc\x01X", "X|abc"),
        ("abc\x01\x05X", "abcX|"),
        ("abc\x7f", "ab|"),
        ("abc\x01\x1b[3~", "|bc"),
        ("one two\x17", "one |"),
        ("one two\x15", "|"),
        ("one two\x01\x0b", "|"),
        ("one two\x17\x19", "one two|"),
        ("one two\x1bb\x1bbX", "X|one two"),
        ("one two\x01\x1b[1;5CX", "oneX| two"),
        ("héé\x7f", "hé|"),
        ("日本\x1b[D!", "日!|本"),
        ("\x1b[A", "kubectl get pods|"),
        ("\x1b[A\x1b[A", "first command|"),
        ("new\x1b[A\x1b[B", "new|"),
        ("\x1b[A\x1b[A\x1b[A", "first command|"),
        ("ls \x1b.", "ls pods|"),
        ("\x12get\x1b", "kubectl |get pods"),
        ("\x12fir\x05", "first command|"),
        ("ab\x14", "ba|"),
        ("abc\x17\x1f", "abc|"),
        ("\x1b[200~pasted\ttext\x1b[201~", "pasted\ttext|"),
    ] {
        assert_eq!(typed(bytes.as_bytes(), &history).0, line, "{bytes:?}");
    }
    for (bytes, event) in [
        ("ls\r", Event::Line("ls".into())),
        ("ls\x03", Event::Interrupt),
        ("\x04", Event::End),
        ("l\t", Event::Complete(false)),
        ("l\t\t", Event::Complete(true)),
        ("\x0c", Event::Clear),
        ("\x12get\r", Event::Line("kubectl get pods".into())),
        ("\x1b[200~a\nb\n\x1b[201~\r", Event::Line("a\nb".into())),
    ] {
        assert_eq!(typed(bytes.as_bytes(), &history).1, Some(event), "{bytes:?}");
    }
}

#[test]
fn keys_wait_for_their_end() {
    let mut keys = Keys::default();
    keys.push(b"\x1b[");
    assert_eq!(keys.next(), None);
    keys.push(b"A");
    assert_eq!(keys.next(), Some(Key::Up));
    keys.push("é".as_bytes().get(..1).unwrap_or_default());
    assert_eq!(keys.next(), None);
    keys.push("é".as_bytes().get(1..).unwrap_or_default());
    assert_eq!(keys.next(), Some(Key::Char('é')));
}

#[test]
fn history_events() {
    let history = History::load("echo one\nls -l /tmp\n");
    for (line, expanded) in [
        ("!!", Ok(Some("ls -l /tmp"))),
        ("sudo !!", Ok(Some("sudo ls -l /tmp"))),
        ("cat !$", Ok(Some("cat /tmp"))),
        ("!1", Ok(Some("echo one"))),
        ("!-2", Ok(Some("echo one"))),
        ("!ec", Ok(Some("echo one"))),
        ("echo '!!'", Ok(None)),
        ("[ ! -f x ]", Ok(None)),
        ("a != b", Ok(None)),
        ("!nope", Err("!nope: event not found")),
    ] {
        let got = history.expand(line);
        assert_eq!(got.as_ref().map(Option::as_deref).map_err(String::as_str), expanded, "{line}");
    }
}
