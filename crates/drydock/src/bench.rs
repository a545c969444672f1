//! `drydock bench`.

use std::time::Instant;

use drydock_session::scenario::benchmarks;

pub const EXAMPLES: &str = "\
Examples:
  cargo run --release -p drydock -- bench
  cargo run --release -p drydock -- bench --json --quick
The same figures in wasm, under Node: cargo xtask bench";

/// Measures and prints.
///
/// # Errors
/// When something that was measured did not come about.
pub fn run(json: bool, quick: bool) -> Result<(), String> {
    let start = Instant::now();
    let figures = benchmarks(&|| start.elapsed().as_secs_f64(), quick);
    for figure in &figures {
        if json {
            println!("{}", serde_json::json!({"name": figure.name, "value": figure.value, "unit": figure.unit}));
        } else {
            println!("{:<50} {:>10.3} {}", figure.name, figure.value, figure.unit);
        }
    }
    match figures.iter().find(|figure| figure.value.is_nan()) {
        Some(figure) => Err(format!("\"{}\" did not come about", figure.name)),
        None => Ok(()),
    }
}
