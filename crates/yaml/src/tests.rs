//! What real kubectl printed for the same texts.

use drydock_value::{Value, value};
use proptest::prelude::*;

use crate::{parse, parse_one, parse_one_strict, spans, to_yaml};

#[test]
fn errors_read_as_kubectl_prints_them() {
    let yaml = "error converting YAML to JSON: yaml: ";
    let cases = [
        ("a: b\nmetadata:\nx:\n  name: [oops\n", "line 4: did not find expected ',' or ']'"),
        ("not yaml: [", "line 1: did not find expected node content"),
        ("a: b: c\n", "mapping values are not allowed in this context"),
        ("x:\n  a: 1\n b: 2\n", "line 2: did not find expected key"),
        ("data:\n\tk: v\n", "line 2: found character that cannot start any token"),
        ("a: &a {b: *a}", "anchor 'a' value contains itself"),
        ("a: *nope", "unknown anchor 'nope' referenced"),
        ("a: {[a]: x}", "invalid map key: []interface {}{\"a\"}"),
        ("a: !!int x", "cannot decode !!str `x` as a !!int"),
        ("a: !!binary '###'", "!!binary value contains invalid base64 data"),
        ("%YAML 2.0\n---\na: b", "found incompatible YAML document"),
        ("a: \"b", "line 2: found unexpected end of stream"),
        ("a: |\n b\n  c\n a\nd", "line 6: could not find expected ':'"),
        ("\ta: b", "found character that cannot start any token"),
        ("a: b\n\tc: d", "line 2: found a tab character that violates indentation"),
        ("a: @x", "found character that cannot start any token"),
        ("a: b\na", "line 3: could not find expected ':'"),
        ("? a\n: b\nc d", "line 4: could not find expected ':'"),
        ("a: {b: c", "line 1: did not find expected ',' or '}'"),
        ("a: {b: c]", "did not find expected ',' or '}'"),
        ("a: &x &y b", "did not find expected key"),
        ("a: *", "did not find expected alphabetic or numeric character"),
        ("a: %x", "found character that cannot start any token"),
        ("a: !<foo", "did not find the expected '>'"),
        ("a: \x01", "control characters are not allowed"),
        ("a: \"\\q\"", "found unknown escape character"),
        ("key: [a, b\nc: d", "line 1: did not find expected ',' or ']'"),
        ("a: >x\n b", "did not find expected comment or line break"),
        ("a: |0\n b", "found an indentation indicator equal to 0"),
        ("!<x>>: 1", "did not find expected whitespace or line break"),
        ("a: {<<: 5}", "map merge requires map or sequence of maps as the value"),
    ];
    for (text, message) in cases {
        assert_eq!(parse(text).unwrap_err().to_string(), format!("{yaml}{message}"), "{text:?}");
    }
    let others = [
        ("a: 1\n---foo\n", "invalid Yaml document separator: foo"),
        ("{bad", "json: offset 2: invalid character 'b' looking for beginning of object key string"),
        ("{\"a\":1} {bad", "json: offset 10: invalid character 'b' looking for beginning of object key string"),
        ("a: .inf", "error converting YAML to JSON: json: unsupported value: +Inf"),
        (
            "a: {~: x}",
            "error converting YAML to JSON: unsupported map key of type: %!s(<nil>), key: <nil>, value: \"x\"",
        ),
    ];
    for (text, message) in others {
        assert_eq!(parse(text).unwrap_err().to_string(), message, "{text:?}");
    }
}

/// Random texts, and what kubectl made of them.
#[test]
fn reads_what_kubectl_reads() {
    for line in include_str!("../testdata/texts.jsonl").lines() {
        let case = drydock_value::parse_json(line).unwrap();
        let result = parse(case["text"].str());
        match case.get("error") {
            None => assert_eq!(result, Ok(vec![case["value"].clone()]), "{line}"),
            Some(error) => assert_eq!(result.unwrap_err().to_string(), error.str(), "{line}"),
        }
    }
}

#[test]
fn reads_the_dialect() {
    let cases = [
        ("{1: x, y: z, 1.5: u, 0x10: v}", value!({"1": "x", "true": "z", "1.5": "u", "16": "v"})),
        ("a: yes\nb: 'yes'\nc: !!str yes\nd: !foo 5", value!({"a": true, "b": "yes", "c": "yes", "d": "5"})),
        (
            "a: 1.0\nb: 1.5\nc: 2001-01-01\nd: ~\ne:",
            value!({"a": 1, "b": 1.5, "c": "2001-01-01", "d": null, "e": null}),
        ),
        ("a: &x {k: 1}\nb: *x\nc: {<<: *x, l: 2}", value!({"a": {"k": 1}, "b": {"k": 1}, "c": {"k": 1, "l": 2}})),
        ("a: {<<: [{k: 1}, {k: 2, l: 3}]}", value!({"a": {"k": 1, "l": 3}})),
        ("a: 1\na: 2", value!({"a": 2})),
        ("a: !!binary aGkh", value!({"a": "hi!"})),
        ("a: >-\n  x\n  y\nb: |\n  z\n", value!({"a": "x y", "b": "z\n"})),
        ("a:\r\n- b\r\n- c\r\n", value!({"a": ["b", "c"]})),
        ("{\"a\":1,}", value!({"a": 1})),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), Ok(vec![expected]), "{text:?}");
    }
}

#[test]
fn splits_streams_as_kubectl() {
    let cases = [
        ("a: 1\n---\n---\n# only a comment\n---\nb: 2\n...\n", vec![value!({"a": 1}), value!({"b": 2})]),
        ("--- # first\na: 1\n--- # second\nb: 2", vec![value!({"a": 1}), value!({"b": 2})]),
        ("{\"a\":1}\n{\"b\":2}", vec![value!({"a": 1}), value!({"b": 2})]),
        ("{\"a\":1}\n---\nb: 2\n", vec![value!({"a": 1}), value!({"b": 2})]),
        ("", vec![]),
        ("# nothing\n", vec![]),
        ("x: |\n  text\n  --- not a separator\n", vec![value!({"x": "text\n--- not a separator\n"})]),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text), Ok(expected), "{text:?}");
    }
    let lines: Vec<u32> = crate::documents("a: 1\n---\nb: 2\n---\n\nc: 3\n").map(|d| d.unwrap().line).collect();
    assert_eq!(lines, [1, 3, 5]);
    // What stands before the error is read.
    let mut stream = crate::documents("a: 1\n---\nb: [\n");
    assert_eq!(stream.next().unwrap().unwrap().value, value!({"a": 1}));
    let error = stream.next().unwrap().unwrap_err();
    assert_eq!(error.to_string(), "error converting YAML to JSON: yaml: line 1: did not find expected node content");
    assert_eq!(error.line, Some(3));
    assert!(stream.next().is_none());
}

#[test]
fn strict_reading_names_doubles() {
    let error = parse_one_strict("a: 1\nb:\n  c: 1\n  c: 2\ntrue: 1\nyes: 2\n").unwrap_err();
    assert_eq!(
        error.message,
        "yaml: unmarshal errors:\n  line 4: key \"c\" already set in map\n  line 6: key true already set in map"
    );
    assert_eq!(parse_one_strict("1: a\n\"1\": b"), Ok(value!({"1": "b"})));
}

#[test]
fn words_may_be_texts() {
    let text = "a: yes\nn: [on, Off, true, ~]\n";
    let read = |documents: crate::Documents| documents.map(|found| found.unwrap().value).collect::<Vec<_>>();
    assert_eq!(read(crate::documents(text)), [value!({"a": true, "false": [true, false, true, null]})]);
    assert_eq!(read(crate::documents_of_words(text)), [value!({"a": "yes", "n": ["on", "Off", true, null]})]);
}

#[test]
fn limits_hold() {
    for depth in [300, 20_000] {
        let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(parse_one(&deep).unwrap_err().message, "yaml: exceeded max depth of 256");
        let json = parse(&format!("{{\"a\": {deep}}}")).unwrap_err().message;
        assert!(json.starts_with("json: "), "{json}");
    }
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(parse_one(&bomb).unwrap_err().message, "yaml: document contains excessive aliasing");
}

/// The whole file was printed by real kubectl: `patch --local -o yaml` of a ConfigMap with these strings.
#[test]
fn prints_as_kubectl_does() {
    let data = value!({
        "a10": "1", "a2": "y", "a1b": "2001-01-01", "B": "0x1F", "_x": "1:30", "z.b": "a: b", "z-b": "- a",
        "m1": "line\n", "m2": "line\n\n", "m3": " lead\nx", "m4": "tab\there", "m5": "\tx\ny",
        "long": "aaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccc ddddddddddddddddddd eeeeeeeeeeeeeeeeeeeeee",
        "trail": "x ", "lead": " x", "hash": "a # b", "emoji": "😀 ü", "nbsp": "a\u{a0}b\u{2028}c", "bom": "\u{feff}x",
        "empty": "", "tilde": "~", "eq": "=", "merge": "<<", "dots": "...", "dash": "---", "crlf": "a\r\nb\r\n",
        "esc": "\x01", "nine": "1_000", "oct": "0o17", "f": "1e3", "f2": ".5", "f3": "1.", "q": "?", "q2": "it's",
        "q3": "\"x\"", "pct": "%x", "at": "@x", "colon": "x:",
        "longq": "'aaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccc: ddddddddddddddddddd eeeeeeeeeeeeeeeeeeeeee",
        "longd": "aaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccc\t ddddddddddddddddddd eeeeeeeeeeeeeeeeeeeeee",
        "mtrail": "a \nb",
        "mlong": "aaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbb cccccccccccccccccccccc ddddddddddddddddddd eeeeeeeeeeeeeeeeeeeeee\nx",
        "nl": "\n", "nl2": "\n\n", "nla": "\na", "k: 1": "v", "y": "v", "1": "v", "": "v", "zlast": "a\n\n"
    });
    let map = value!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": data});
    assert_eq!(to_yaml(&map), include_str!("../testdata/strings.yaml"));
}

#[test]
fn prints_structures() {
    let cases = [
        (value!({"a": [], "b": {}, "c": null, "d": true}), "a: []\nb: {}\nc: null\nd: true\n"),
        (value!({"a": [1, [2, [3]], {"b": [4], "c": 5}]}), "a:\n- 1\n- - 2\n  - - 3\n- b:\n  - 4\n  c: 5\n"),
        (value!([{"a": "x\ny"}, "z\n"]), "- a: |-\n    x\n    y\n- |\n  z\n"),
        (value!("plain"), "plain\n"),
        (value!("two\nlines"), "|-\n  two\n  lines\n"),
        (value!([]), "[]\n"),
        (
            value!({"f": [1234567.5, 100000.5, 1e21, 1.5e-5, 0.0001, 1e6, 2.5e10, 0.25]}),
            "f:\n- 1.2345675e+06\n- 100000.5\n- 1e+21\n- 1.5e-05\n- 0.0001\n- 1000000\n- 25000000000\n- 0.25\n",
        ),
    ];
    for (value, text) in cases {
        assert_eq!(to_yaml(&value), text);
    }
    let long = "k".repeat(129);
    assert_eq!(to_yaml(&value!({(long.as_str()): "v"})), format!("? {long}\n: v\n"));
}

#[test]
fn spans_point_at_nodes() {
    let tree = spans("kind: Pod\nspec:\n  containers:\n  - name: c\n    image: [");
    let root = tree.documents[0];
    let (_, spec) = tree.field(root, "spec").unwrap();
    let (_, containers) = tree.field(spec, "containers").unwrap();
    let crate::Kind::Sequence(items) = &tree.node(containers).kind else { panic!("a sequence") };
    let (key, name) = tree.field(items[0], "name").unwrap();
    assert_eq!((tree.node(key).span.start.line, tree.node(key).span.start.column), (3, 4));
    assert_eq!(tree.text(name), Some("c"));
    assert_eq!(tree.node(name).span.end.column, 11);
    assert_eq!(tree.error.unwrap().line, Some(5));
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,20}",
        "[a-z0-9:#' \"\n\t.-]{0,30}",
        "(y|no|null|~|1|0x1|1e3|1:30|2001-01-01|true|<<|=|[.]inf)",
        "([a-z]{1,12} ){0,30}[a-z]{0,3}",
        "[\u{80}-\u{2fff}\n ]{0,10}",
        any::<String>(),
    ]
    // The YAML reader takes no control characters, and the byte order mark and lone surrogates have their own stories.
    .prop_filter("printable for YAML", |text| !text.contains('\u{feff}'))
}

/// go-yaml prints the string `<<` without quotes, and takes it for a merge when it reads it back.
fn any_key() -> impl Strategy<Value = String> {
    any_text().prop_filter("no merge key", |text| text != "<<")
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any_text().prop_map(Value::from),
        (-1000i32..1000).prop_map(|n| Value::from(f64::from(n) + 0.5)),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((any_key(), inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(value in any_value()) {
        let text = to_yaml(&value);
        let back = parse_one(&text);
        prop_assert_eq!(back.as_ref(), Ok(&value), "{}", text);
    }

    #[test]
    fn garbage_never_panics(text in "[ \\[\\]{}:,&*!|>'\"%@`#?a-c0-9\n\t<~=\\\\-]{0,60}") {
        let _ = parse(&text);
        let _ = spans(&text);
    }

    #[test]
    fn any_text_never_panics(text in any::<String>()) {
        let _ = parse(&text);
    }
}
