//! Whatever is typed: templates, columns and selectors of any shape give an answer or an error, never a panic.

use drydock_value::{Value, value};
use proptest::prelude::*;

use crate::testing::Fake;

/// Text in the letters that mean something to one of the languages.
fn soup(letters: &'static str) -> impl Strategy<Value = String> {
    let letters: Vec<char> = letters.chars().collect();
    prop::collection::vec(prop::sample::select(letters), 0..24).prop_map(|letters| letters.into_iter().collect())
}

fn pod() -> Value {
    value!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default", "labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}, {"name": "d"}], "n": 1.5, "t": true}
    })
}

/// Runs a command line over one pod; it must end.
fn ends(words: &[&str]) -> Result<(), TestCaseError> {
    let ran = Fake::default().object(&pod()).run(words);
    prop_assert!(ran.code == 0 || !ran.err.is_empty(), "{words:?} fails without a word");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn jsonpath(text in soup("{}[]()@$.*?:,-=<>!&|'\"\\ 019acnmes")) {
        ends(&["get", "pod", "web", "-o", &format!("jsonpath={text}")])?;
        ends(&["get", "pod", "web", "-o", &format!("jsonpath={{{text}}}")])?;
        ends(&["get", "pods", "--sort-by", &text])?;
    }

    #[test]
    fn go_templates(text in soup("{}().$|\"`-=:,_ 01aeindfrgth/*\\\n")) {
        ends(&["get", "pod", "web", "-o", &format!("go-template={text}")])?;
        ends(&["get", "pod", "web", "-o", &format!("go-template={{{{{text}}}}}")])?;
    }

    #[test]
    fn go_templates_of_words(words in prop::collection::vec(prop::sample::select(vec![
        "{{", "}}", "range", "end", "if", "else", "with", ".", "$x", ":=", "|", "printf", "index", "len", "\"%v\"", "0",
        "define", "template", "block", "break", "continue", "(", ")", ".spec.containers", "eq", "-", "{{-", "-}}", ",",
        "base64decode", "exists", "slice", "not", "and", "or", "urlquery", "html", "js", "call", "nil", "true",
    ]), 0..16)) {
        ends(&["get", "pod", "web", "-o", &format!("go-template={}", words.join(" "))])?;
    }

    #[test]
    fn columns(text in soup("NAME:.,[]*{}metadatnspc0 ")) {
        ends(&["get", "pod", "web", "-o", &format!("custom-columns={text}")])?;
    }

    #[test]
    fn selectors(text in soup("ab=!,()<> in/.-_notexis01")) {
        ends(&["get", "pods", "-l", &text])?;
        ends(&["get", "pods", "--field-selector", &text])?;
        ends(&["label", "pod", "web", &text, "--dry-run=client"])?;
    }

    #[test]
    fn patches(text in soup("{}[]:,\"$patcheon- 01/\n"), kind in prop::sample::select(vec!["json", "merge", "strategic"])) {
        ends(&["patch", "pod", "web", "--type", kind, "-p", &text, "--dry-run=client"])?;
    }

    #[test]
    fn images_and_kustomizations(text in soup("resouc:[]{}-, \n\"pathnmeIg1")) {
        let mut fake = Fake::default().file("/k/kustomization.yaml", &text);
        let ran = fake.run(&["kustomize", "/k"]);
        prop_assert!(ran.code == 0 || !ran.err.is_empty());
    }

    #[test]
    fn words_of_a_command_line(words in prop::collection::vec(soup("-=getpods/.:,nalhv "), 0..5)) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = Fake::default().object(&pod()).run(&words);
        prop_assert!(ran.code == 0 || !ran.err.is_empty(), "{words:?}");
    }
}
