//! Types and names on the command line.

use crate::failure::Failure;
use crate::mapper::Mapper;

/// Arguments, taken apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Names {
    /// `pods,svc`: types without names.
    pub types: Vec<String>,
    /// Names of the one type.
    pub names: Vec<String>,
    /// `pod/x`: types with names.
    pub pairs: Vec<(String, String)>,
}

/// The parts of a comma-separated list of types, doubles once.
pub fn split_types(arg: &str) -> Vec<String> {
    let mut types: Vec<String> = Vec::new();
    for part in arg.split(',') {
        if !types.iter().any(|seen| seen == part) {
            types.push(part.to_owned());
        }
    }
    types
}

/// `a,b x y` means `a/x a/y b/x b/y`.
fn normalize(args: &[String]) -> Vec<String> {
    if let [types, names @ ..] = args
        && !names.is_empty()
    {
        let types = split_types(types);
        if types.len() > 1 {
            return types.iter().flat_map(|kind| names.iter().map(move |name| format!("{kind}/{name}"))).collect();
        }
    }
    args.to_vec()
}

fn combined(args: &[String]) -> Result<bool, Failure> {
    let with_slash = args.iter().filter(|arg| arg.contains('/')).count();
    if with_slash > 0 && with_slash < args.len() {
        return Err(concat!(
            "there is no need to specify a resource type as a separate argument when passing arguments in ",
            "resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource ",
            "resource/<resource_name>'"
        )
        .into());
    }
    Ok(with_slash > 0)
}

/// Whether the arguments name objects, not only types.
///
/// # Errors
/// When types and `type/name` are mixed.
pub fn has_names(args: &[String]) -> Result<bool, Failure> {
    let args = normalize(args);
    Ok(combined(&args)? || args.len() > 1)
}

/// Takes arguments apart; categories such as `all` become their types.
pub(super) fn read(args: &[String], mapper: Option<&Mapper>) -> Result<Names, Failure> {
    let args = normalize(args);
    let mut names = Names::default();
    if combined(&args)? {
        for arg in &args {
            let parts: Vec<&str> = arg.split('/').collect();
            let [kind, name] = parts.as_slice() else {
                return Err("arguments in resource/name form may not have more than one slash".into());
            };
            if kind.is_empty() || name.is_empty() || split_types(kind).len() != 1 {
                return Err("arguments in resource/name form must have a single resource and name".into());
            }
            names.pairs.push(((*kind).to_owned(), (*name).to_owned()));
        }
        return Ok(names);
    }
    let Some((types, rest)) = args.split_first() else { return Ok(names) };
    let expanded: Vec<String> = types
        .split(',')
        .flat_map(|word| {
            let members = mapper.map(|mapper| mapper.category(word)).unwrap_or_default();
            if members.is_empty() {
                return vec![word.to_owned()];
            }
            members.iter().map(|resource| resource.id.group_resource()).collect()
        })
        .collect();
    names.types = split_types(&expanded.join(","));
    names.names = rest.to_vec();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_as_cli_runtime_reads_them() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        type Parts = (&'static str, &'static str, &'static str);
        let cases: &[(&str, Result<Parts, &str>)] = &[
            ("pods", Ok(("pods", "", ""))),
            ("pods,svc", Ok(("pods svc", "", ""))),
            ("pods,svc x", Ok(("", "", "pods=x svc=x"))),
            ("pods x y", Ok(("pods", "x y", ""))),
            ("pod/x svc/y", Ok(("", "", "pod=x svc=y"))),
            ("pod/x/y", Err("arguments in resource/name form may not have more than one slash")),
            ("pods,secret/s", Err("arguments in resource/name form must have a single resource and name")),
            ("pod/", Err("arguments in resource/name form must have a single resource and name")),
        ];
        for (text, want) in cases {
            let got = read(&words(text), None).map_err(|failure| failure.words());
            let want = want.map_err(str::to_owned).map(|(types, names, pairs)| Names {
                types: words(types),
                names: words(names),
                pairs: words(pairs)
                    .iter()
                    .filter_map(|pair| pair.split_once('='))
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .collect(),
            });
            assert_eq!(got, want, "{text}");
        }
        assert!(read(&words("pod cm/x"), None).unwrap_err().words().starts_with("there is no need to specify"));
    }
}
