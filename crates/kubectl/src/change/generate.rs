//! How an object that a command makes up is sent and printed: `create x`, `expose`, `run`, `autoscale`.

use drydock_api::GroupVersionKind;
use drydock_value::{Value, value};

use super::printing::Printing;
use super::{applied, order, record};
use crate::env::Io;
use crate::failure::Failure;
use crate::invocation::{DryRun, Invocation};

/// The one name that a generator takes; what follows `--` does not count.
///
/// # Errors
/// When there is none, or more than one.
pub fn name(inv: &Invocation) -> Result<String, Failure> {
    let (names, _) = inv.split_at_dash();
    match names {
        [name] => Ok(name.clone()),
        names => Err(inv.usage(format!("exactly one NAME is required, got {}", names.len()))),
    }
}

/// The command behind `--`, or after the name.
pub fn command(inv: &Invocation) -> Vec<String> {
    inv.args.get(1..).unwrap_or(&[]).to_vec()
}

/// Five letters and digits as Kubernetes draws them.
pub fn random_name(io: &mut Io<'_>) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut left = (io.random)();
    let mut name = String::new();
    for _ in 0..5 {
        let at = usize::try_from(left % LETTERS.len() as u64).unwrap_or(0);
        name.push(char::from(LETTERS[at]));
        left /= LETTERS.len() as u64;
    }
    name
}

/// Sets the namespace that was asked for with `-n`; without it, the server puts the object where it is sent.
///
/// # Errors
/// When the kubeconfig is wrong.
pub fn in_namespace(inv: &mut Invocation, io: &mut Io<'_>, object: &mut Value) -> Result<(), Failure> {
    let client = inv.client(io)?;
    if client.connection.namespace_given {
        let namespace = client.namespace().to_owned();
        object["metadata"].set("namespace", namespace);
    }
    Ok(())
}

/// Sends an object (unless it is a dry run of the client) and answers what the server made of it.
///
/// # Errors
/// The server's refusal.
pub fn send(inv: &mut Invocation, io: &mut Io<'_>, mut object: Value, dry_run: DryRun) -> Result<Value, Failure> {
    record::note(inv, &mut object);
    // `run` and `expose` save nothing that they do not send.
    if dry_run == DryRun::Client && !inv.command.path.starts_with("create") {
        return Ok(object);
    }
    applied::create_or_update(&mut object, inv.flags.bool("save-config"), |object| {
        let mut object = object.clone();
        // A Go type does not write what is empty.
        if object["metadata"]["annotations"].is_empty() {
            object["metadata"].remove("annotations");
        }
        applied::escape_html(&order::to_json(&object)) + "\n"
    });
    if dry_run == DryRun::Client {
        return Ok(object);
    }
    // A Go client of known types asks nobody what they are called.
    let kind = GroupVersionKind::of(&object);
    let resource = match drydock_schema::resource_of_kind(&kind) {
        Some(row) => row.resource.clone(),
        None => inv.kind(io, &kind)?,
    };
    let namespace = inv.namespace(io)?;
    let manager = inv.flags.str("field-manager").to_owned();
    let validation = if inv.command.flag("validate").is_some() { inv.field_validation()? } else { "" };
    let params = [dry_run.param(), ("fieldManager", manager.as_str()), ("fieldValidation", validation)];
    let status = object["status"].clone();
    let mut created = inv.client(io)?.create(io, &resource, &namespace, object, &params)?;
    // A Go type writes an empty status, sent or not.
    if created["status"].is_null() && !status.is_null() {
        created.set("status", status);
    }
    Ok(created)
}

/// Sends an object and prints it as `created`. `refusal` are the words before a refusal; without them it is printed as
/// the server sent it.
///
/// # Errors
/// The server's refusal.
pub fn create(inv: &mut Invocation, io: &mut Io<'_>, object: Value, refusal: &str) -> Result<(), Failure> {
    let dry_run = inv.dry_run(io)?;
    let mut printing = Printing::new(inv, io, dry_run)?;
    if inv.command.flag("validate").is_some() {
        inv.field_validation()?;
    }
    let created = send(inv, io, object, dry_run).map_err(|failure| match refusal {
        "" => failure,
        words => Failure::Error(format!("{words} {}", failure.words())),
    })?;
    printing.typed(io, &created, "created")
}

/// Reads `a=b,c=d`.
///
/// # Errors
/// `unexpected label spec: x`.
pub fn labels(spec: &str) -> Result<Value, Failure> {
    if spec.is_empty() {
        return Err("no label spec passed".into());
    }
    let mut labels = Value::object();
    for part in spec.split(',') {
        match part.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.contains('=') && is_word(key) => labels.set(key, value),
            _ => return Err(format!("unexpected label spec: {part}").into()),
        }
    }
    Ok(labels)
}

/// What may be a label's key as far as the client checks it: the server has the last word.
fn is_word(key: &str) -> bool {
    !key.contains(['(', ')', '!'])
}

/// A selector as objects hold it.
///
/// # Errors
/// When it is none, or needs what objects cannot say.
pub fn label_selector(text: &str) -> Result<Value, Failure> {
    use drydock_schema::labels::{Operator, Selector};
    let selector =
        Selector::parse(text).map_err(|why| format!("couldn't parse the selector string {text:?}: {why}"))?;
    let mut object = Value::object();
    for requirement in selector.requirements() {
        let operator = match requirement.operator {
            Operator::Equals | Operator::DoubleEquals => {
                object["matchLabels"].set(&*requirement.key, requirement.values.first().map_or("", String::as_str));
                continue;
            }
            Operator::In => "In",
            Operator::NotIn | Operator::NotEquals => "NotIn",
            Operator::Exists => "Exists",
            Operator::DoesNotExist => "DoesNotExist",
            Operator::GreaterThan | Operator::LessThan => {
                let sign = if requirement.operator == Operator::GreaterThan { ">" } else { "<" };
                return Err(format!("{sign:?} isn't supported in label selectors").into());
            }
        };
        let mut expression = value!({"key": &requirement.key, "operator": operator});
        if !requirement.values.is_empty() {
            expression.set("values", requirement.values.clone());
        }
        object["matchExpressions"].push(expression);
    }
    Ok(object)
}

/// Reads `cpu=1,memory=2Gi`.
///
/// # Errors
/// When a pair is none, or an amount is no quantity.
pub fn quantities(spec: &str) -> Result<Value, Failure> {
    let mut list = Value::object();
    if spec.is_empty() {
        return Ok(list);
    }
    for part in spec.split(',') {
        let pieces: Vec<&str> = part.split('=').collect();
        let [name, amount] = pieces.as_slice() else {
            return Err(format!("Invalid argument syntax {part}, expected <resource>=<value>").into());
        };
        list.set(*name, quantity(amount)?);
    }
    Ok(list)
}

/// A quantity in Kubernetes' own form.
///
/// # Errors
/// Kubernetes' words.
pub fn quantity(text: &str) -> Result<String, Failure> {
    text.parse::<drydock_schema::quantity::Quantity>().map(|quantity| quantity.to_string()).map_err(|_| {
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'".into()
    })
}

/// A number, or else a string: what Kubernetes calls IntOrString.
pub fn int_or_string(text: &str) -> Value {
    text.parse::<i32>().map_or_else(|_| Value::from(text), Value::from)
}

/// Go's `strconv.Atoi`.
///
/// # Errors
/// Go's words.
pub fn atoi(text: &str) -> Result<i64, Failure> {
    text.parse::<i64>().map_err(|_| format!("strconv.Atoi: parsing {text:?}: invalid syntax").into())
}
