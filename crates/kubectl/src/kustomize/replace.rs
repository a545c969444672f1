//! `replacements`: values of one object's fields that are put into others'.

use drydock_value::{Value, value};

use super::load::{Loader, World};
use super::resource::{Id, Item, Items};
use super::select::Target;

/// The entries of `replacements`, some of which may be files of them. All are read before one acts.
///
/// # Errors
/// kustomize's words.
pub(super) fn all(entries: &Value, world: &mut World<'_>, loader: &Loader, items: &mut Items) -> Result<(), String> {
    let mut read = Vec::new();
    for entry in entries.items() {
        file(entry, world, loader, &mut read).map_err(|why| {
            let config = drydock_yaml::to_yaml(&value!({"Replacements": entries}));
            format!("trouble configuring builtin ReplacementTransformer with config: `\n{config}`: {why}")
        })?;
    }
    read.iter().try_for_each(|entry| replace(entry, items))
}

/// What an entry holds, or the file that it names.
fn file(entry: &Value, world: &mut World<'_>, loader: &Loader, read: &mut Vec<Value>) -> Result<(), String> {
    let path = entry["path"].str();
    if path.is_empty() {
        read.push(entry.clone());
        return Ok(());
    }
    if entry.entries().count() > 1 {
        return Err("cannot specify both path and inline replacement".into());
    }
    let bytes = loader.load(world, path)?;
    let text = String::from_utf8_lossy(&bytes);
    match drydock_yaml::parse_one(&text).map_err(|error| error.to_string())? {
        Value::Array(entries) => read.extend(entries.iter().cloned()),
        entry => read.push(entry),
    }
    Ok(())
}

fn replace(entry: &Value, items: &mut Items) -> Result<(), String> {
    let text = entry["sourceValue"].as_str();
    if entry["targets"].is_empty() || (text.is_none() && entry["source"].is_null()) {
        return Err("replacements must specify a source and at least one target".into());
    }
    let value = match text {
        Some(_) if !entry["source"].is_null() => {
            return Err("value and resource selectors are mutually exclusive".into());
        }
        Some(text) => Value::from(text),
        None => source(&entry["source"], items)?,
    };
    for target in entry["targets"].items() {
        if target["select"].is_empty() {
            return Err("target must specify resources to select".into());
        }
        let chosen = Target::read(&target["select"]).map_err(|why| format!("error creating target selector: {why}"))?;
        let mut rejects = Vec::new();
        for reject in target["reject"].items() {
            rejects.push(Target::read(reject)?);
        }
        let rejected = |item: &Item| rejects.iter().any(|reject| !reject.is_empty() && reject.matches(item));
        let places: Vec<usize> =
            (0..items.len()).filter(|at| chosen.matches(&items[*at]) && !rejected(&items[*at])).collect();
        for place in places {
            let paths = &target["fieldPaths"];
            let usual = [Value::from("metadata.name")];
            let paths = if paths.is_empty() { &usual[..] } else { paths.items() };
            for path in paths {
                put(&mut items[place], path.str(), &target["options"], &value)?;
            }
        }
    }
    Ok(())
}

/// The value that is to be put elsewhere.
fn source(source: &Value, items: &Items) -> Result<Value, String> {
    let given = source["fieldPath"].str();
    let path = if given.is_empty() { "metadata.name" } else { given };
    let parts = [("group", 0), ("version", 1), ("kind", 2)].map(|(field, _)| source[field].str());
    let shown = Id {
        gvk: drydock_api::GroupVersionKind::new(parts[0], parts[1], parts[2]),
        name: source["name"].str().to_owned(),
        namespace: source["namespace"].str().to_owned(),
    };
    let fits = |wanted: &str, have: &str| wanted.is_empty() || wanted == have;
    let matches = |item: &&Item| {
        item.ids().iter().any(|id| {
            fits(parts[0], &id.gvk.group)
                && fits(parts[1], &id.gvk.version)
                && fits(parts[2], &id.gvk.kind)
                && fits(&shown.name, &id.name)
                && fits(&shown.namespace, &id.namespace)
        })
    };
    let found: Vec<&Item> = items.iter().filter(matches).collect();
    let item = match found.as_slice() {
        [item] => item,
        found => {
            let shown = if given.is_empty() { shown.to_string() } else { format!("{shown}:{given}") };
            let words = if found.is_empty() { "nothing selected by" } else { "multiple matches for selector" };
            return Err(format!("{words} {shown}"));
        }
    };
    let mut object = item.object.clone();
    let mut value = Value::Null;
    // What is not there is said below.
    let _ = walk(&mut object, &split(path), false, &mut |found| {
        value = found.clone();
        Ok(())
    });
    if value.is_null() {
        return Err(format!("fieldPath `{path}` is missing for replacement source {shown}"));
    }
    let (delimiter, index) = (source["options"]["delimiter"].str(), source["options"]["index"].int());
    if delimiter.is_empty() {
        return Ok(value);
    }
    let text = scalar(&value).ok_or("delimiter option can only be used with scalar nodes")?;
    let part = usize::try_from(index).ok().and_then(|index| text.split(delimiter).nth(index));
    part.map(Value::from).ok_or_else(|| format!("options.index {index} is out of bounds for value {text}"))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Array(_) | Value::Object(_) => None,
        Value::String(text) => Some(text.to_string()),
        other => Some(drydock_value::to_json(other)),
    }
}

/// What a plain scalar means where nothing says of which type it is.
fn resolved(text: &str) -> Value {
    match drydock_yaml::parse_one(text) {
        Ok(value @ (Value::Int(_) | Value::Float(_) | Value::Bool(_))) => value,
        _ => text.into(),
    }
}

fn put(item: &mut Item, path: &str, options: &Value, value: &Value) -> Result<(), String> {
    let create = options["create"].is_true();
    let (delimiter, index) = (options["delimiter"].str(), options["index"].int());
    let parts = split(path);
    let mut found = false;
    let before = item.id();
    let mut object = item.object.clone();
    let mut set = Ok(());
    let walked = walk(&mut object, &parts, create, &mut |place| {
        found = true;
        if set.is_ok() {
            set = lay(place, value, delimiter, index);
        }
        Ok(())
    });
    walked.map_err(|why| format!("unable to find field {path:?} in replacement target: {why}"))?;
    set?;
    if !found {
        return Err(format!("unable to find field {path:?} in replacement target"));
    }
    item.object = object;
    if item.id() != before && item.previous.last() != Some(&before) {
        item.previous.push(before);
    }
    Ok(())
}

/// Puts a value into a place, or into a part of the text there.
fn lay(place: &mut Value, value: &Value, delimiter: &str, index: i64) -> Result<(), String> {
    let Some(new) = scalar(value) else {
        if !delimiter.is_empty() {
            return Err("delimiter option can only be used with scalar nodes".into());
        }
        *place = value.clone();
        return Ok(());
    };
    let new = if delimiter.is_empty() {
        new
    } else {
        let old = scalar(place).ok_or("delimiter option can only be used with scalar nodes")?;
        let mut pieces: Vec<String> = old.split(delimiter).map(str::to_owned).collect();
        match usize::try_from(index) {
            Err(_) => pieces.insert(0, new),
            Ok(at) => match pieces.get_mut(at) {
                Some(piece) => *piece = new,
                None => pieces.push(new),
            },
        }
        pieces.join(delimiter)
    };
    // The place keeps its type; a new one has none.
    *place = if place.as_str().is_some() { Value::from(new) } else { resolved(&new) };
    Ok(())
}

/// The parts of a path; `\.` is a dot in a name, and dots between brackets part nothing.
fn split(path: &str) -> Vec<String> {
    let (mut parts, mut part, mut depth) = (Vec::new(), String::new(), 0_usize);
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => part.extend(letters.next()),
            '.' if depth == 0 => parts.push(std::mem::take(&mut part)),
            letter => {
                match letter {
                    '[' => depth += 1,
                    ']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                part.push(letter);
            }
        }
    }
    parts.push(part);
    parts
}

type Act<'a> = &'a mut dyn FnMut(&mut Value) -> Result<(), String>;

/// Visits what lies at a path: fields, numbers of items, `*` for all items, `[key=value]` for those that have it.
fn walk(value: &mut Value, path: &[String], create: bool, act: Act<'_>) -> Result<(), String> {
    let Some((part, rest)) = path.split_first() else { return act(value) };
    let condition = part.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    if let Some((key, wanted)) = condition.and_then(|text| text.split_once('=')) {
        let fits = |item: &Value| scalar(if key.is_empty() { item } else { &item[key] }).as_deref() == Some(wanted);
        if create && !value.items().iter().any(fits) && matches!(value, Value::Null | Value::Array(_)) {
            let mut item = Value::object();
            item.set(key, wanted);
            value.push(item);
        }
        if value.as_array().is_some() {
            for item in value.items_mut().iter_mut().filter(|item| fits(item)) {
                walk(item, rest, create, act)?;
            }
        }
        return Ok(());
    }
    match value {
        Value::Array(_) if part == "*" => {
            value.items_mut().iter_mut().try_for_each(|item| walk(item, rest, create, act))
        }
        Value::Array(_) => {
            let count = value.items().len();
            let at = if part == "-" { count.checked_sub(1) } else { part.parse::<usize>().ok() };
            match (at, at.and_then(|at| value.items_mut().get_mut(at))) {
                (_, Some(item)) => walk(item, rest, create, act),
                (Some(at), None) => Err(format!("index {at} specified but only {count} elements found")),
                (None, None) => Ok(()),
            }
        }
        Value::Object(map) if part == "*" => map.iter_mut().try_for_each(|(_, inner)| walk(inner, rest, create, act)),
        Value::Object(_) | Value::Null => {
            if value.get(part).is_none() {
                if !create {
                    return Ok(());
                }
                let list = rest.first().is_some_and(|next| next == "0");
                value.set(part.as_str(), if list { Value::from(vec![Value::Null]) } else { Value::Null });
            }
            value.get_mut(part).map_or(Ok(()), |inner| walk(inner, rest, create, act))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn paths_are_split() {
        assert_eq!(super::split("a.b\\.c.[name=x.y].0"), ["a", "b.c", "[name=x.y]", "0"]);
    }
}
