use drydock_value::{Value, to_json, value};
use proptest::prelude::*;

use super::*;

fn dyn_env() -> Env {
    let names = ["self", "object", "params"];
    Env { bindings: true, ..Env::of(&names.map(|name| (name, Type::Dyn))) }
}

/// The value for an object; that costs can be estimated is tried on the way.
fn run(text: &str) -> Result<Val, String> {
    let boat =
        value!({"oars": 4, "name": "gull", "crew": [{"name": "ann"}, {"name": "bob"}], "tags": {"a": "b"}, "f": 1.5});
    let program = Program::compile(text, &dyn_env())?;
    program.estimate(&[("self", &value!({"type": "object", "properties": {"name": {"type": "string"}}}), true)]);
    program.run(&vec![("self", Val::plain(&boat))], None).value
}

/// Every expression is true.
#[test]
fn expressions_are_true() {
    let cases = [
        // Operators and numbers.
        "self.oars % 2 == 0 && 7 / 2 == 3 && -7 / 2 == -3 && -7 % 3 == -1",
        "1 + 2 * 3 - 4 == 3 && (1 + 2) * 3 == 9",
        "1u + 2u == 3u && dyn(1) == 1.0 && dyn(1u) == 1 && 2.5 > 2 && 0x10 == 16",
        "-9223372036854775808 < 9223372036854775807",
        "!false || (1 / 0 > 0)",
        "(1 / 0 > 0) || true",
        "!((1 / 0 > 0) && false)",
        "true ? true : (1 / 0 > 0)",
        "!(true && false) && !!true",
        "'a' < 'b' && b'a' < b'b' && 'a' + 'b' == 'ab' && b'a' + b'b' == b'ab'",
        "[1, 2] + [3] == [1, 2, 3] && [1, 2] != [2, 1]",
        "{'a': 1, 'b': 0, 'a': 2}.a == 2",
        "{'a': 1}.a == 1 && {'a': 1}['a'] == 1 && {1: 'x'}[1] == 'x' && {'a': 1, 'b': 2} == {'b': 2, 'a': 1}",
        "2 in [1, 2] && !(3 in [1, 2]) && 'a' in {'a': 1} && !('c' in self.tags)",
        "type(1) == int && type('a') == string && type([]) == list && type({}) == map && type(null) == null_type && type(int) == type",
        "type(1u) == uint && type(1.0) == double && type(b'') == bytes && type(true) == bool",
        "int('12') == 12 && int(2.9) == 2 && uint(3) == 3u && double('1.5') == 1.5 && string(1) == '1' && bool('true')",
        "string(1e6) == '1e+06' && string(123456.5) == '123456.5' && string(0.00001) == '1e-05' && string(0.0) == '0'",
        "string(1.5) == '1.5' && string(b'ab') == 'ab' && bytes('ab') == b'ab' && dyn(1) == 1",
        "'\\u00fc'.size() == 1 && size('\\x41') == 1 && r'\\n'.size() == 2 && '''a'b'''.size() == 3 && \"\\101\" == 'A'",
        "has(self.oars) && !has(self.sails) && has({'a': 1}.a)",
        "// a remark\ntrue",
        "lists.range(20000).map(x, x % 2 == 0, x).size() == 10000 && lists.range(20000).filter(x, x < 3) == [0, 1, 2]",
        // Macros.
        "self.crew.all(c, c.name.size() == 3) && [].all(x, false)",
        "self.crew.exists(c, c.name == 'bob') && ![].exists(x, true)",
        "[1, 0, 2].exists(x, 4 / x == 2)",
        "![0, 1].all(x, 1 / x == 2)",
        "self.crew.exists_one(c, c.name.startsWith('a')) && [1, 2].existsOne(x, x == 1)",
        "self.crew.filter(c, c.name != \"ann\").map(c, c.name) == ['bob']",
        "[1, 2, 3].map(x, x > 1, x * 2) == [4, 6]",
        "self.tags.all(k, self.tags[k] == 'b')",
        "[1, 2].all(i, v, v == i + 1) && {'a': 1}.exists(k, v, k == 'a' && v == 1) && [5].existsOne(i, v, i == 0)",
        "[1, 2].transformList(i, v, i + v) == [1, 3] && [1, 2].transformList(i, v, i > 0, v) == [2]",
        "{'a': 1}.transformMap(k, v, v + 1) == {'a': 2} && ['x'].transformMapEntry(i, v, {v: i}) == {'x': 0}",
        "cel.bind(x, 3, x * x) == 9",
        // Optionals.
        "optional.of(1).hasValue() && !optional.none().hasValue() && optional.of(1).value() == 1",
        "self.?sails.orValue(2) == 2 && self.?oars.orValue(0) == 4 && self.?a.b.orValue('z') == 'z'",
        "[1][?0] == optional.of(1) && [1][?1] == optional.none() && {'a': 1}[?'b'].orValue(3) == 3",
        "[?self.?sails, 1] == [1] && {?'a': self.?oars, ?'b': self.?no} == {'a': 4}",
        "self.?oars.optMap(o, o * 2).value() == 8 && optional.ofNonZeroValue(0) == optional.none()",
        "self.?oars.optFlatMap(o, optional.of(o)).value() == 4 && optional.none().or(optional.of(2)).value() == 2",
        // Texts.
        "'tacocat'.charAt(3) == 'o' && 'abcb'.indexOf('b') == 1 && 'abcb'.indexOf('b', 2) == 3 && 'abcb'.lastIndexOf('b') == 3",
        "'a,b'.split(',') == ['a', 'b'] && 'abc'.split('') == ['a', 'b', 'c'] && 'a,b,c'.split(',', 2) == ['a', 'b,c']",
        "['a', 'b'].join('-') == 'a-b' && 'abc'.substring(1) == 'bc' && 'abc'.substring(0, 2) == 'ab'",
        "'aXbX'.replace('X', '') == 'ab' && 'aXbX'.replace('X', 'Y', 1) == 'aYbX' && ' a '.trim() == 'a'",
        "'Ab'.lowerAscii() == 'ab' && 'Ab'.upperAscii() == 'AB' && 'abc'.matches('^a.c$') && matches('abc', 'b')",
        "'a1b22'.find('[0-9]+') == '1' && 'a1b22'.findAll('[0-9]+') == ['1', '22'] && 'a1b22'.findAll('[0-9]+', 1) == ['1']",
        "'%s is %d, %.2f, %x, %b, %e'.format(['a', 3, 1.5, 255, 5, 1052.0]) == 'a is 3, 1.50, ff, 101, 1.052000e+03'",
        "'%s %s'.format([[1, 2], {'k': true}]) == '[1, 2] {k: true}' && '100%%'.format([]) == '100%'",
        "'%f %d %e'.format([double('Infinity'), double('-Infinity'), double('NaN')]) == 'Infinity -Infinity NaN'",
        "string(ip('::1')) == '::1' && string(cidr('10.0.0.0/8')) == '10.0.0.0/8' && string(1.0 / 0.0) == '+Inf'",
        "'tacocat'.charAt(7) == '' && 'tacocat'.lastIndexOf('', 3) == 3 && [].join() == '' && 'a b'.split(' ', 0) == []",
        "'\\u0085\\u1680text\\u2009'.trim() == 'text' && timestamp('2009-02-13T23:31:30Z').getHours('02:00') == 1",
        "b'\\303\\277' == b'ÿ' && string(b'\\303\\277') == 'ÿ' && dyn({1: 'a'})[1u] == 'a' && dyn([7, 8])[0.0] == 7",
        "0.0 / 0.0 != 0.0 / 0.0 && !!!false && --1 == 1 && .5 == 0.5 && 18446744073709551615u > 0u",
        "strings.quote('a\"b') == '\"a\\\\\"b\"'",
        // Lists and sets.
        "[1, 2].sum() == 3 && [1.5, 2.0].max() == 2.0 && [3, 1].min() == 1 && [1, 1, 2].isSorted() && [1, 2, 1].lastIndexOf(1) == 2",
        "sets.contains([1, 2], [1]) && sets.equivalent([1, 1], [1]) && sets.intersects([1], [1, 2]) && !sets.contains([], [1])",
        "[1, 2, 3].slice(1, 2) == [2] && [[1], [2]].flatten() == [1, 2] && [1, 1].distinct() == [1] && [1, 2].reverse() == [2, 1]",
        "[2, 1].sort() == [1, 2] && ['bb', 'a'].sortBy(x, x.size()) == ['a', 'bb'] && lists.range(2) == [0, 1]",
        // Time.
        "timestamp('2023-12-14T01:02:03.5Z').getFullYear() == 2023 && timestamp('2024-02-29T00:00:00Z').getDayOfYear() == 59",
        "timestamp('2023-12-14T23:02:03Z').getDate('+02:00') == 15 && timestamp('2023-12-14T01:00:00Z').getDayOfWeek() == 4",
        "timestamp('2023-01-01T00:00:10Z') - timestamp('2023-01-01T00:00:00Z') == duration('10s')",
        "string(timestamp('2023-01-01T00:00:00Z') + duration('1h30m')) == '2023-01-01T01:30:00Z' && int(timestamp(5)) == 5",
        "timestamp('2026-07-01T22:30:00Z').getDate('Europe/Berlin') == 2 && timestamp('2026-12-01T12:00:00Z').getHours('America/New_York') == 7",
        "duration('90m').getHours() == 1 && duration('1.5s').getMilliseconds() == 500 && string(duration('1.5s')) == '1.5s'",
        "duration('1h') > duration('59m') && -1 * 2 == -2",
        // Libraries.
        "quantity('1Gi').isGreaterThan(quantity('1G')) && quantity('500m').add(quantity('500m')) == quantity('1') && isQuantity('1k')",
        "quantity('3').asInteger() == 3 && quantity('1').sub(2).sign() == -1 && quantity('1k').compareTo(quantity('1000')) == 0",
        "url('https://a.b:8080/p%20q?x=1&x=2&y=a+b').getHost() == 'a.b:8080' && url('http://[::1]:80/').getHostname() == '::1'",
        "url('https://a.b:80/p?x=1&x=2').getQuery() == {'x': ['1', '2']} && url('/p').getEscapedPath() == '/p' && !isURL('../x')",
        "ip('127.0.0.1').isLoopback() && ip('::1').family() == 6 && isIP('1.2.3.4') && !isIP('1.2.3') && !ip.isCanonical('2001:DB8::1')",
        "cidr('10.0.0.0/8').containsIP('10.1.2.3') && cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16') && !cidr('10.0.0.0/8').containsIP(ip('11.0.0.1'))",
        "cidr('10.1.0.0/8').masked() == cidr('10.0.0.0/8') && cidr('::/0').prefixLength() == 0 && !isCIDR('10.0.0.0/33')",
        "semver('1.2.3').isLessThan(semver('1.10.0')) && semver('1.0.0-rc.1').compareTo(semver('1.0.0')) == -1 && isSemver('v1.2', true)",
        "!format.dns1123Label().validate('my-label').hasValue() && format.named('dns1123Label').value().validate('A').hasValue()",
        "!format.uuid().validate('123e4567-e89b-12d3-a456-426614174000').hasValue() && !format.date().validate('2024-01-31').hasValue()",
        "jsonpatch.escapeKey('k8s.io/a~b') == 'k8s.io~1a~0b'",
    ];
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|text| match run(text) {
            Ok(Val::Bool(true)) => None,
            other => Some(format!("{text}: {other:?}")),
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn failures_have_their_words() {
    let cases = [
        ("self.nope > 1", "no such key: nope"),
        ("1 / 0 == 1", "division by zero"),
        ("1 % 0 == 1", "modulus by zero"),
        ("9223372036854775807 + 1 == 0", "integer overflow"),
        ("0u - 1u == 0u", "unsigned integer overflow"),
        ("int(1e30) == 0", "integer overflow"),
        ("[1][3] == 0", "index out of bounds: 3"),
        ("self.crew['a'] == 1", "unsupported index type 'string' in list"),
        ("{'a': 1}['b'] == 1", "no such key: b"),
        ("self.oars < self.name", "no such overload"),
        ("optional.none().value() == 1", "optional.none() dereference"),
        ("'abc'.charAt(9) == ''", "index out of range: 9"),
        ("int('x') == 1", "strconv.ParseInt: parsing \"x\": invalid syntax"),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s') == timestamp(0)", "timestamp overflow"),
        (
            "lists.range(99999).all(x, lists.range(99999).all(y, x != y + 100000))",
            "operation cancelled: actual cost limit exceeded",
        ),
        (
            "[lists.range(9999)].map(l, lists.range(50000).map(i, '%s'.format([l]))).size() == 1",
            "operation cancelled: actual cost limit exceeded",
        ),
        (
            "lists.range(99999).map(x, x).map(y, lists.range(99999)).size() == 0",
            "operation cancelled: actual cost limit exceeded",
        ),
        (
            "lists.range(500).all(x, lists.range(500).all(y, lists.range(500).all(z, z >= 0)))",
            "operation cancelled: actual cost limit exceeded",
        ),
    ];
    for (text, why) in cases {
        assert_eq!(run(text).map(|_| ()), Err(why.to_owned()), "{text}");
    }
}

fn boat_env() -> Env {
    let schema = value!({"type": "object", "properties": {
        "oars": {"type": "integer"}, "name": {"type": "string"}, "ok": {"type": "boolean"}, "speed": {"type": "number"},
        "crew": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "tags": {"type": "object", "additionalProperties": {"type": "string"}},
        "load": {"x-kubernetes-int-or-string": true}, "when": {"type": "string", "format": "date-time"},
        "long-name": {"type": "integer"}, "namespace": {"type": "string"}, "free": {"x-kubernetes-preserve-unknown-fields": true}
    }});
    Env::of(&[("self", Type::of_schema(&schema, false, "boat").unwrap())])
}

#[test]
fn checks_have_the_words_of_the_real_checker() {
    let operand = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";
    let cases = [
        ("self.nope > 1", "ERROR: <input>:1:5: undefined field 'nope'\n | self.nope > 1\n | ....^".to_owned()),
        ("x == 1", "ERROR: <input>:1:1: undeclared reference to 'x' (in container '')\n | x == 1\n | ^".into()),
        ("foo(1)", "ERROR: <input>:1:4: undeclared reference to 'foo' (in container '')\n | foo(1)\n | ...^".into()),
        (
            "self.oars + 'a' == 1",
            "ERROR: <input>:1:11: found no matching overload for '_+_' applied to '(int, string)'\n | self.oars + 'a' == 1\n | ..........^".into(),
        ),
        (
            "self.name.startsWith(1)",
            "ERROR: <input>:1:21: found no matching overload for 'startsWith' applied to 'string.(int)'\n | self.name.startsWith(1)\n | ....................^".into(),
        ),
        (
            "self.oars.size() == 1",
            "ERROR: <input>:1:15: found no matching overload for 'size' applied to 'int.()'\n | self.oars.size() == 1\n | ..............^".into(),
        ),
        (
            "self.oars.x",
            "ERROR: <input>:1:10: type 'int' does not support field selection\n | self.oars.x\n | .........^".into(),
        ),
        (
            "self.oars.all(x, true)",
            "ERROR: <input>:1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.oars.all(x, true)\n | ....^".into(),
        ),
        (
            "self.crew.all(1, true)",
            "ERROR: <input>:1:15: argument must be a simple name\n | self.crew.all(1, true)\n | ..............^".into(),
        ),
        ("[1, 'a'].size() == 2", "ERROR: <input>:1:5: expected type 'int' but found 'string'\n | [1, 'a'].size() == 2\n | ....^".into()),
        ("has(self)", "ERROR: <input>:1:5: invalid argument to has() macro\n | has(self)\n | ....^".into()),
        (
            "self.oars +",
            format!("ERROR: <input>:1:12: Syntax error: mismatched input '<EOF>' expecting {operand}\n | self.oars +\n | ...........^"),
        ),
        ("", format!("ERROR: <input>:1:1: Syntax error: mismatched input '<EOF>' expecting {operand}\n | \n | ^")),
        ("1 2", "ERROR: <input>:1:3: Syntax error: extraneous input '2' expecting <EOF>\n | 1 2\n | ..^".into()),
        ("(1", "ERROR: <input>:1:3: Syntax error: missing ')' at '<EOF>'\n | (1\n | ..^".into()),
        (
            "true &&\nself.a == x",
            "ERROR: <input>:2:5: undefined field 'a'\n | self.a == x\n | ....^\nERROR: <input>:2:11: undeclared reference to 'x' (in container '')\n | self.a == x\n | ..........^".into(),
        ),
        ("cel.bind(x, 1, x)", "".into()),
        ("self.for == 1", "ERROR: <input>:1:5: undefined field 'for'\n | self.for == 1\n | ....^".into()),
        ("while == 1", "ERROR: <input>:1:1: Syntax error: reserved identifier: while\n | while == 1\n | ^".into()),
    ];
    for (text, wanted) in cases {
        let found = Program::compile(text, &boat_env()).map(|_| ()).expect_err(text);
        assert!(wanted.is_empty() || found == wanted, "{text}:\n{found}\n{wanted}");
    }
}

#[test]
fn types_follow_the_schema() {
    let cases = [
        ("self.oars", "int"),
        ("self.crew.map(c, c.name)", "list(string)"),
        ("self.crew.filter(c, c.name == 'x').size() > 0 ? 1 : 2", "int"),
        ("self.tags['a']", "string"),
        ("self.tags.a", "string"),
        ("self.load", "dyn"),
        ("self.when - duration('1h')", "timestamp"),
        ("self.long__dash__name", "int"),
        ("self.__namespace__", "string"),
        ("self.?name", "optional_type(string)"),
        ("self.?name.orValue('x')", "string"),
        ("[]", "list(dyn)"),
        ("{'a': [1]}", "map(string, list(int))"),
        ("self.load == 1 || self.load == 'a'", "bool"),
        ("self.crew.map(c, c)", "list(boat.crew.@idx)"),
        ("self.crew.exists_one(c, c.name == 'a')", "bool"),
        ("self.tags.transformMap(k, v, size(v))", "map(string, int)"),
    ];
    for (text, wanted) in cases {
        let program = Program::compile(text, &boat_env()).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(program.result().text(), wanted, "{text}");
    }
    // What has no type cannot be seen.
    assert!(Program::compile("self.free", &boat_env()).is_err());
}

#[test]
fn json_is_read_by_its_schema() {
    let schema = value!({"type": "object", "properties": {
        "when": {"type": "string", "format": "date-time"}, "long-name": {"type": "integer"}, "f": {"type": "number"},
        "data": {"type": "string", "format": "byte"}, "wait": {"type": "string", "format": "duration"},
        "list": {"type": "array", "items": {"type": "string", "format": "date-time"}}
    }});
    let ty = Type::of_schema(&schema, false, "t").unwrap();
    let object = value!({"when": "2024-01-01T00:00:00Z", "long-name": 3, "f": 2, "data": "YWI=", "wait": "1m", "list": ["2024-01-01T00:00:00Z"]});
    for text in [
        "self.when.getFullYear() == 2024 && self.list[0] == self.when",
        "self.long__dash__name == 3 && has(self.long__dash__name)",
        "type(self.f) == double && self.f == 2.0",
        "self.data == b'ab' && self.wait == duration('60s')",
    ] {
        let program = Program::compile(text, &Env::of(&[("self", ty.clone())])).unwrap();
        let found = program.run(&vec![("self", Val::of(&object, &ty))], None).value;
        assert_eq!(found, Ok(Val::Bool(true)), "{text}");
    }
}

#[test]
fn costs_are_estimated_by_bounds() {
    let cases: [(&str, Value, u64, u64); 6] = [
        ("self.a > 1", value!({"a": {"type": "integer"}}), 3, 4),
        ("self.s == 'abc'", value!({"s": {"type": "string"}}), 3, 4),
        (
            "self.l.all(x, x == 'a')",
            value!({"l": {"type": "array", "maxItems": 10, "items": {"type": "string"}}}),
            40,
            70,
        ),
        (
            "self.l.all(x, x == 1)",
            value!({"l": {"type": "array", "items": {"type": "integer"}}}),
            1_000_000,
            20_000_000,
        ),
        (
            "self.l.all(x, self.l.all(y, x == y))",
            value!({"l": {"type": "array", "items": {"type": "string"}}}),
            1_000_000_000,
            u64::MAX,
        ),
        ("self.s.matches('^a*$')", value!({"s": {"type": "string", "maxLength": 10}}), 5, 20),
    ];
    for (text, properties, least, most) in cases {
        let schema = value!({"type": "object", "properties": properties});
        let ty = Type::of_schema(&schema, false, "t").unwrap();
        let program = Program::compile(text, &Env::of(&[("self", ty)])).unwrap();
        let found = program.estimate(&[("self", &schema, false)]);
        assert!((least..=most).contains(&found), "{text}: {found}");
    }
}

#[test]
fn values_go_back_to_json() {
    let found = run("{'a': [dyn(1), 2.5, 'x', null, true], 'b': self.tags, 'c': b'ab', 'd': duration('1s')}").unwrap();
    let wanted = "{\"a\":[1,2.5,\"x\",null,true],\"b\":{\"a\":\"b\"},\"c\":\"YWI=\",\"d\":\"1s\"}";
    assert_eq!(found.to_json().map(|json| to_json(&json)), Some(wanted.to_owned()));
}

#[test]
fn depth_is_bounded() {
    for text in [
        "(".repeat(5000),
        format!("{}1{}", "(".repeat(5000), ")".repeat(5000)),
        format!("1{}", "+1".repeat(5000)),
        format!("self{}", ".a".repeat(5000)),
        format!("{}1{}", "[".repeat(5000), "]".repeat(5000)),
        format!("{}true", "!".repeat(5000)) + "(",
        "self.map(x, ".repeat(400),
    ] {
        let why = Program::compile(&text, &dyn_env()).map(|_| ()).expect_err("too deep");
        assert!(why.contains("ERROR"), "{}", why.chars().take(200).collect::<String>());
    }
    // Long chains of the same logic are fine.
    let chain = format!("1 == 1{}", " && [1] == [1]".repeat(20_000));
    assert_eq!(run(&chain), Ok(Val::Bool(true)));
    let nested = format!("{}1{}", "(1+".repeat(60), ")".repeat(60));
    assert_eq!(run(&nested), Ok(Val::Int(61)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_read_without_a_panic(text in ".{0,60}") {
        let _ = run(&text);
    }

    #[test]
    fn anything_out_of_the_languages_pieces_runs_without_a_panic(pieces in proptest::collection::vec(
        proptest::sample::select(vec![
            "self", ".oars", ".crew", ".name", "[", "]", "(", ")", "{", "}", ":", ",", "?", "+", "-", "*", "/", "%", "==",
            "<", "in", "&&", "||", "!", "1", "0", "2.5", "'a'", "b'a'", "true", "null", "x", ".all(x,", ".map(x,", "has(",
            "size(", "string(", ".format([", "timestamp('2024-01-01T00:00:00Z')", "duration('1s')", "optional.of(", ".?", "[?",
            "9223372036854775807", "-9223372036854775808", "1u", "type(", ".split('')", "quantity('1')", "\\", "\"", "`a`",
        ]), 0..14)) {
        let _ = run(&pieces.concat());
        let _ = run(&pieces.join(" "));
    }
}

/// The examples of Kubernetes' documentation of validation rules.
#[test]
fn documented_rules_hold() {
    let text = value!({"type": "string"});
    let texts = value!({"type": "array", "items": &text});
    let named = value!({"type": "array", "items": {"type": "object", "properties": {
        "name": &text, "value": &text, "key": &text, "foo": {"type": "integer"}}}});
    let whole = value!({"type": "integer"});
    let schema = value!({"type": "object", "properties": {
        "minReplicas": &whole, "replicas": &whole, "maxReplicas": &whole,
        "stateCounts": {"type": "object", "additionalProperties": &whole},
        "list1": &texts, "list2": &texts, "envars": &named, "widgets": &named, "clusters": &named, "primary": &text,
        "map1": {"type": "object", "additionalProperties": &text},
        "created": {"type": "string", "format": "date-time"}, "expired": {"type": "string", "format": "date-time"},
        "ttl": {"type": "string", "format": "duration"}, "health": &text, "prefix": &text, "set1": &texts, "set2": &texts,
        "names": &texts, "details": {"type": "object", "additionalProperties": &text},
        "amount": {"x-kubernetes-int-or-string": true}, "details__x": &text, "x-prop": &text, "redact__d": &text
    }});
    let object = value!({
        "metadata": {"name": "ab"}, "minReplicas": 1, "replicas": 2, "maxReplicas": 3, "stateCounts": {"Available": 1},
        "list1": [], "list2": ["x"], "envars": [{"name": "MY_ENV", "value": "abc"}], "map1": {"MY_KEY": "abc"},
        "created": "2024-01-01T00:00:00Z", "ttl": "1h", "expired": "2024-01-01T02:00:00Z", "health": "ok, fine",
        "widgets": [{"key": "x", "foo": 3}], "prefix": "a", "set1": ["a"], "set2": ["b"], "names": ["n"],
        "details": {"n": "d"}, "clusters": [{"name": "p"}], "primary": "p", "amount": "100%", "x-prop": "y",
        "redact__d": "z"
    });
    let rules = [
        "self.minReplicas <= self.replicas && self.replicas <= self.maxReplicas",
        "'Available' in self.stateCounts",
        "(self.list1.size() == 0) != (self.list2.size() == 0)",
        "!('MY_KEY' in self.map1) || self.map1['MY_KEY'].matches('^[a-zA-Z]*$')",
        "self.envars.filter(e, e.name == 'MY_ENV').all(e, e.value.matches('^[a-zA-Z]*$'))",
        "has(self.expired) && self.created + self.ttl < self.expired",
        "self.health.startsWith('ok')",
        "self.widgets.exists(w, w.key == 'x' && w.foo < 10)",
        "type(self.amount) == string ? self.amount == '100%' : self.amount == 1000",
        "self.metadata.name.startsWith(self.prefix)",
        "self.set1.all(e, !(e in self.set2))",
        "self.names.size() == self.details.size() && self.names.all(n, n in self.details)",
        "self.details.all(key, key.matches('^[a-zA-Z]*$'))",
        "self.details.all(key, self.details[key].matches('^[a-zA-Z]*$'))",
        "self.clusters.filter(c, c.name == self.primary).size() == 1",
        "self.x__dash__prop > '' && self.redact__underscores__d > ''",
        "self.?nope__x.hasValue() || true ? true : false",
        "self.widgets.map(w, w.foo).sum() == 3 && self.widgets.map(w, w.foo).max() == 3",
    ];
    let ty = Type::of_schema(&schema, true, "t").unwrap();
    for rule in rules {
        let program = match Program::compile(rule, &Env::of(&[("self", ty.clone())])) {
            Ok(program) => program,
            Err(why) => {
                assert!(rule.contains("nope"), "{why}");
                continue;
            }
        };
        let outcome = program.run(&vec![("self", Val::of(&object, &ty))], None);
        assert_eq!(outcome.value, Ok(Val::Bool(true)), "{rule}");
        assert!(outcome.cost < 100, "{rule}: {}", outcome.cost);
    }
}
