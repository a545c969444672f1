use super::machine::{Control, Machine, Print, SPECIAL};
use super::parser::parse;

/// What a program prints for some input.
fn run(source: &str, input: &str) -> Result<String, String> {
    let mut machine = Machine::new(parse(source, SPECIAL)?);
    let mut stopped = machine.begin()? == Control::Exit;
    for line in input.lines() {
        if !stopped {
            stopped = machine.record(line)? == Control::Exit;
        }
    }
    machine.end()?;
    let printed = machine.printed.into_iter().map(|print| match print {
        Print::Out(text) => text,
        Print::File { path, text, .. } => format!("[{path}]{text}"),
    });
    Ok(printed.collect())
}

const PODS: &str = "NAME READY STATUS\nweb-1 1/1 Running\nweb-2 0/1 Pending\n";

#[test]
fn programs_print_what_they_print_elsewhere() {
    let cases = [
        ("{print $2}", PODS, "READY\n1/1\n0/1\n"),
        ("NR>1 {print $1, $NF}", PODS, "web-1 Running\nweb-2 Pending\n"),
        ("{print ($1>=1)}", "3\n", "1\n"),
        ("/web/ && $3==\"Running\"", PODS, "web-1 1/1 Running\n"),
        ("$2 ~ /^0/ {print $1}", PODS, "web-2\n"),
        ("$3 !~ /ing$/", PODS, "NAME READY STATUS\n"),
        ("END{print NR}", PODS, "3\n"),
        ("{n[$1]++} END{for (k in n) print k, n[k]}", "b\na\nb\n", "a 1\nb 2\n"),
        ("BEGIN{FS=\":\"; OFS=\"-\"} {$2=\"x\"; print}", "a:b:c\n", "a-x-c\n"),
        (
            "{s+=$1} END{printf \"%d %.2f %s|%5s|%-4s|%03d\\n\", s, s/2, \"t\", \"r\", \"l\", 7}",
            "1\n2.5\n",
            "3 1.75 t|    r|l   |007\n",
        ),
        (
            "{gsub(/o/,\"0\"); print toupper($0), length, substr($0,2,3), index($0,\"b\")}",
            "foo bar\n",
            "F00 BAR 7 00  5\n",
        ),
        ("{n=split($0,a,\",\"); for(i=n;i>0;i--) printf \"%s \", a[i]; print \"\"}", "x,y,z\n", "z y x \n"),
        ("BEGIN{while(i<3){i++; if(i==2)continue; print i}}", "", "1\n3\n"),
        ("/b/,/d/", "a\nb\nc\nd\ne\n", "b\nc\nd\n"),
        ("function f(a,b){return a*b+g(a)} function g(x){return x^2} {print f($1,$2)}", "3 4\n", "21\n"),
        ("function fill(a){a[1]=\"x\"} BEGIN{fill(q); print q[1]}", "", "x\n"),
        ("NR==2{exit 3} {print}", PODS, "NAME READY STATUS\n"),
        ("{print $1 > \"out.txt\"}", "a\n", "[out.txt]a\n"),
        (
            "BEGIN{print 1e3, 0.1+0.2, 1/3, 100000000000, -3 % 2, 2**3, \"a\" < \"b\"}",
            "",
            "1000 0.3 0.333333 100000000000 -1 8 1\n",
        ),
        ("{print ($1==10) ($1==\"10\")}", "10.0\n", "10\n"),
        (
            "BEGIN{if (!(\"k\" in a)) print \"no\"; a[\"k\"]; if (\"k\" in a) print \"yes\"; delete a[\"k\"]; print length(a)}",
            "",
            "no\nyes\n0\n",
        ),
        ("{print match($0,/[0-9]+/), RSTART, RLENGTH}", "ab123c\n", "3 3 3\n"),
        ("$1 ~ \"^w\" {print $1; next} {print \"-\"}", PODS, "-\nweb-1\nweb-2\n"),
        ("BEGIN { x = 5; x += 2; x++; print x--, x, x ? \"t\" : \"f\" }", "", "8 7 t\n"),
        ("{ print $1; if ($2 > 1)\n print \"big\"\nelse\n print \"small\" }", "a 2\nb 1\n", "a\nbig\nb\nsmall\n"),
        ("{$5=\"e\"; print NF; print}", "a b\n", "5\na b   e\n"),
    ];
    for (source, input, expected) in cases {
        assert_eq!(run(source, input).as_deref(), Ok(expected), "{source}");
    }
}

#[test]
fn what_cannot_be_says_so() {
    let cases = [
        ("{print", "syntax error at or near end of program"),
        ("BEGIN{while(1);}", "no end after 3000000 steps"),
        ("BEGIN{print 1/0}", "division by zero"),
        ("{print | \"sort\"}", "output to a command is not supported: pipe awk's output instead"),
        ("BEGIN{f(1)}", "calling undefined function f"),
        ("function f(n){return f(n+1)} BEGIN{f(0)}", "function calls nest too deeply"),
        ("BEGIN{system(\"x\")}", "system() is not supported"),
    ];
    for (source, message) in cases {
        assert_eq!(run(source, "").unwrap_err(), message, "{source}");
    }
}
