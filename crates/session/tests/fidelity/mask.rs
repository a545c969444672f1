//! What differs from run to run on a real cluster is masked on both sides before outputs are compared.

use std::sync::LazyLock;

use fancy_regex::Regex;

/// Letters and digits of generated names.
const R: &str = "[bcdfghjklmnpqrstvwxz2456789]";

static MASKS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let rules: &[(&str, &str)] = &[
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uid>"),
        (r"[\w.:/-]+@sha256:[0-9a-f]{6,64}", "<digest>"),
        (r"sha256:[0-9a-f]{6,64}", "<digest>"),
        (r"\b(containerd|docker|cri-o)://\S+", "<cid>"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[ +-][\d:+ ]*\d)?", "<time>"),
        (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
        (r"\b[EIW]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ", "<log> "),
        (r"\b\w+\.go:\d+\]", "<src>]"),
        (r"https?://[\w.\[\]-]+:\d+", "<url>"),
        (r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", "<ip>"),
        (r"\b(minikube(-m\d+)?|(kind-)?(worker|control-plane)\d*|(hollow-)?node-?\d+)\b", "<node>"),
        (r#"(resourceVersion\\?"?: *\\?)"?\d+\\?"?"#, "${1}<rv>"),
        (r"kubectl-edit-\d+", "kubectl-edit-<n>"),
        (r"(Resource Version: +)\d+", "${1}<rv>"),
        (r"X509SHA256=[0-9a-f]+", "X509SHA256=<digest>"),
        (
            r"in [\d.]+m?s \([\d.]+m?s including waiting\)\. Image size: \d+ bytes",
            "in <t> (<t> including waiting). Image size: <n> bytes",
        ),
        (r"\bv1\.\d\d\.\d+\S*", "<version>"),
        (r"-R{8,10}-R{5}\b", "-<hash>-<rand>"),
        (r"-(?=[a-z]*\d)R{8,10}\b", "-<hash>"),
        (
            r"(pod-template-hash=|pod-template-hash: |controller-revision-hash=\S*?|controller-uid=)R{8,10}\b",
            "${1}<hash>",
        ),
        (r"(?<=[a-z0-9])-R{5}\b", "-<rand>"),
        (r"\b3[0-2]\d{3}(?=/|\b)", "<port>"),
    ];
    rules.iter().map(|(rule, mask)| (regex(&rule.replace("R{", &format!("{R}{{"))), *mask)).collect()
});
static AGE: LazyLock<Regex> =
    LazyLock::new(|| regex(r"^\(?(\d+(s|h|d|ms)|\d+(\.\d+)?s|\d+m\d+s|\d+h\d+m|\d+d\d+h|<invalid>)\)?$"));
static AGE_MINUTES: LazyLock<Regex> = LazyLock::new(|| regex(r"^\d+m$"));
static AGE_HEADER: LazyLock<Regex> = LazyLock::new(|| regex(r"\b(AGE|LAST SEEN|DURATION|LAST SCHEDULE)\b|\bAge\b"));
static RULE: LazyLock<Regex> = LazyLock::new(|| regex(r"^(-{2,}|={2,})$"));
static REPEATED: LazyLock<Regex> = LazyLock::new(|| regex(r"<age> \(x\d+ over <age>"));
static PROGRESS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(Waiting for (deployment|daemon set|statefulset|\d+ pods)|waiting for statefulset|Waiting for partitioned)",
    )
});

fn regex(rule: &str) -> Regex {
    Regex::new(rule).expect("the rules here are constants")
}

fn is(rule: &Regex, text: &str) -> bool {
    rule.is_match(text).unwrap_or(false)
}

/// The comparable lines of one output: masked, blanks squeezed, without empty lines and a rollout's progress.
pub fn lines(text: &str) -> Vec<String> {
    let mut aged = false;
    let mut out = Vec::new();
    for line in text.replace('\r', "").lines() {
        let mut line = line.to_owned();
        for (rule, mask) in MASKS.iter() {
            line = rule.replace_all(&line, *mask).into_owned();
        }
        aged |= is(&AGE_HEADER, &line);
        let words: Vec<&str> = line
            .split_whitespace()
            .map(|word| match word {
                word if is(&AGE, word) || (aged && is(&AGE_MINUTES, word)) => "<age>",
                word if is(&RULE, word) => "<rule>",
                word => word,
            })
            .collect();
        let line = REPEATED.replace_all(&words.join(" "), "<age>").into_owned();
        if !line.is_empty() && !is(&PROGRESS, &line) {
            out.push(line);
        }
    }
    out
}
