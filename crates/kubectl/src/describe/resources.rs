//! Sums of requests and limits, and single resource values.

use drydock_sorted::SortedMap;

use drydock_schema::quantity::Quantity;
use drydock_value::Value;

use super::format::text;

/// What a pod asks for or may use, by resource.
pub type Amounts = SortedMap<String, Quantity>;

/// A quantity as Kubernetes writes it; whatever is none, as it stands.
pub fn canonical(value: &Value) -> String {
    let text = text(value);
    text.parse::<Quantity>().map_or(text, |quantity| quantity.to_string())
}

/// Reads a quantity; zero where there is none.
pub fn quantity(value: &Value) -> Quantity {
    text(value).parse().unwrap_or_default()
}

/// Adds `more` to `sum`.
pub fn add(sum: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        let entry = sum.entry(name.clone()).or_default();
        *entry = entry.add(amount);
    }
}

fn max(into: &mut Amounts, other: &Amounts) {
    for (name, amount) in other {
        let entry = into.entry(name.clone()).or_default();
        if *amount > *entry {
            *entry = *amount;
        }
    }
}

fn amounts(list: &Value) -> Amounts {
    list.entries().map(|(name, amount)| (name.to_owned(), quantity(amount))).collect()
}

/// The requests or limits (`which`) of a pod as the scheduler counts them: containers and sidecars together, or the
/// greediest init container; what is set for the whole pod goes before; with overhead.
pub fn of_pod(pod: &Value, which: &str) -> Amounts {
    let spec = &pod["spec"];
    let mut total = Amounts::new();
    for container in spec["containers"].items() {
        add(&mut total, &amounts(&container["resources"][which]));
    }
    let (mut sidecars, mut greediest) = (Amounts::new(), Amounts::new());
    for container in spec["initContainers"].items() {
        let mut wanted = amounts(&container["resources"][which]);
        if container["restartPolicy"] == "Always" {
            add(&mut total, &wanted);
            add(&mut sidecars, &wanted);
            wanted = sidecars.clone();
        } else {
            add(&mut wanted, &sidecars);
        }
        max(&mut greediest, &wanted);
    }
    max(&mut total, &greediest);
    for (name, amount) in amounts(&spec["resources"][which]) {
        total.insert(name, amount);
    }
    let overhead = amounts(&spec["overhead"]);
    if which == "requests" {
        add(&mut total, &overhead);
    } else {
        for (name, amount) in overhead {
            if let Some(limit) = total.get_mut(&name) {
                *limit = limit.add(&amount);
            }
        }
    }
    total
}

/// The value of a `resourceFieldRef` in a container, divided by its divisor and rounded up.
pub fn container_value(container: &Value, reference: &Value) -> String {
    let Some((list, name)) = reference["resource"].str().split_once('.') else { return String::new() };
    let amount = quantity(&container["resources"][list][name]);
    let divisor = match quantity(&reference["divisor"]) {
        zero if zero == Quantity::default() => "1".parse().unwrap_or_default(),
        divisor => divisor,
    };
    let (amount, divisor) =
        if name == "cpu" { (amount.milli_value(), divisor.milli_value()) } else { (amount.value(), divisor.value()) };
    if divisor == 0 { String::new() } else { ((amount + divisor - 1) / divisor).to_string() }
}
