//! The sizes that the page may have, gzipped, as docs/architecture.md states them.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::Outcome;

const KB: u64 = 1000;
/// All wasm modules together: what is aimed at.
const WASM: u64 = 1200 * KB;
/// What they may weigh until that is reached. It follows what is measured, downwards only: a change that adds to it must
/// take away elsewhere, or say why in docs/architecture.md.
const WASM_CEILING: u64 = 2550 * KB;
/// Scripts and styles that load before the first prompt; what loads lazily is not counted.
const FIRST_LOAD: u64 = 300 * KB;
/// Folder of dist/ with what loads lazily (the editor, the diagrams).
const LAZY: &str = "lazy";

/// What a built page weighs, in bytes after gzip.
struct Sizes {
    wasm: u64,
    first_load: u64,
    lazy: u64,
}

/// Prints the sizes.
pub fn print(dist: &Path) -> Outcome {
    let sizes = measure(dist)?;
    let verdict = if sizes.wasm > WASM { ": NOT REACHED" } else { "" };
    println!(
        "   wasm {} kB, gzipped; at most {} kB, aimed at {} kB{verdict}",
        sizes.wasm / KB,
        WASM_CEILING / KB,
        WASM / KB
    );
    println!("   scripts and styles before the prompt {} kB of {}, gzipped", sizes.first_load / KB, FIRST_LOAD / KB);
    println!("   loaded later {} kB, gzipped", sizes.lazy / KB);
    Ok(())
}

/// Fails when a budget is broken.
pub fn check(dist: &Path) -> Outcome {
    print(dist)?;
    let sizes = measure(dist)?;
    let over = |name: &str, size: u64, budget: u64| {
        (size > budget).then(|| format!("{name}: {} kB of at most {} kB", size / KB, budget / KB))
    };
    let broken: Vec<String> =
        [over("wasm", sizes.wasm, WASM_CEILING), over("scripts and styles", sizes.first_load, FIRST_LOAD)]
            .into_iter()
            .flatten()
            .collect();
    if broken.is_empty() { Ok(()) } else { Err(format!("size budgets are broken: {}", broken.join("; "))) }
}

fn measure(dist: &Path) -> Outcome<Sizes> {
    let mut files = Vec::new();
    list(dist, &mut files).map_err(|error| format!("{}: {error}", dist.display()))?;
    let mut sizes = Sizes { wasm: 0, first_load: 0, lazy: 0 };
    for file in files {
        let inside = file.strip_prefix(dist).unwrap_or(&file);
        let lazy = inside.components().any(|part| part.as_os_str() == LAZY);
        let size = || gzipped(&file);
        match inside.extension().and_then(|e| e.to_str()) {
            Some("wasm") => sizes.wasm += size()?,
            Some("js" | "css") if lazy => sizes.lazy += size()?,
            Some("js" | "css") => sizes.first_load += size()?,
            _ => {}
        }
    }
    if sizes.wasm == 0 { Err(format!("{} holds no wasm: the page is not built", dist.display())) } else { Ok(sizes) }
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn gzipped(file: &Path) -> Outcome<u64> {
    let failed = |error: std::io::Error| format!("{}: {error}", file.display());
    let bytes = std::fs::read(file).map_err(failed)?;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&bytes).map_err(failed)?;
    Ok(encoder.finish().map_err(failed)?.len() as u64)
}
