//! Which file a YAML block wants to be saved to.

/// The file name for a YAML block: what the fence says (`title="pod.yaml"`), or a first comment that is a file name, or
/// the first YAML file that the text after it names before the next YAML block, or the object's kind.
pub(crate) fn suggest(info: &str, text: &str, following: &str) -> String {
    titled(info)
        .or_else(|| first_comment(text))
        .or_else(|| named_after(following))
        .unwrap_or_else(|| format!("{}.yaml", kind(text).unwrap_or("manifest").to_lowercase()))
}

fn is_yaml_file(word: &str) -> bool {
    let known = word.ends_with(".yaml") || word.ends_with(".yml");
    known && word.len() > 5 && word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c))
}

fn titled(info: &str) -> Option<String> {
    let (_, rest) = info.split_once("title=\"")?;
    rest.split('"').next().filter(|name| is_yaml_file(name)).map(str::to_owned)
}

fn first_comment(text: &str) -> Option<String> {
    let word = text.lines().next()?.strip_prefix('#')?.trim();
    is_yaml_file(word).then(|| word.to_owned())
}

fn named_after(following: &str) -> Option<String> {
    let until = following.find("```yaml").unwrap_or(following.len());
    following
        .get(..until)?
        .split(|c: char| c.is_whitespace() || "`()'\",".contains(c))
        .map(|word| word.trim_end_matches(['.', ':', ';']))
        .find(|word| is_yaml_file(word))
        .map(str::to_owned)
}

fn kind(text: &str) -> Option<&str> {
    let kind = text.lines().find_map(|line| line.strip_prefix("kind:"))?;
    kind.split('#').next().map(str::trim).filter(|kind| !kind.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_where_the_text_says_it() {
        let pod = "apiVersion: v1\nkind: Pod   # what it is\n";
        let cases = [
            ("yaml title=\"web.yaml\"", pod, "`other.yaml`", "web.yaml"),
            ("yaml", "# deployment.yaml\nkind: Deployment\n", "", "deployment.yaml"),
            ("yaml", pod, "Apply it:\n```bash\nkubectl apply -f pod.yaml\n```\n", "pod.yaml"),
            ("yaml", pod, "Save it to `k8s/pod.yaml`.", "k8s/pod.yaml"),
            ("yaml", pod, "text\n```yaml\nx\n```\n`later.yaml`", "pod.yaml"),
            ("yaml", "a: 1\n", "", "manifest.yaml"),
        ];
        for (info, text, following, file) in cases {
            assert_eq!(suggest(info, text, following), file);
        }
    }
}
