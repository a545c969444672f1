//! A static file server on loopback, as any static host would serve the page.

use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use tiny_http::{Header, Request, Response, Server};

use crate::Outcome;

/// Serves `folder` on loopback until the process is stopped, and prints the address.
pub fn forever(folder: &Path, port: u16) -> Outcome {
    let (server, address) = listen(port)?;
    println!("Drydock is at {address} (Ctrl-C stops it)");
    loop_over(&server, folder);
    Ok(())
}

/// Serves `folder` on a free port of loopback in the background; the address ends with a slash.
pub fn background(folder: &Path) -> Outcome<String> {
    let (server, address) = listen(0)?;
    let folder = folder.to_owned();
    std::thread::spawn(move || loop_over(&server, &folder));
    Ok(address)
}

fn listen(port: u16) -> Outcome<(Arc<Server>, String)> {
    let server = Server::http(("127.0.0.1", port))
        .map_err(|error| format!("port {port} cannot be served: {error}. Name another with --port"))?;
    let port = server.server_addr().to_ip().map_or(port, |address| address.port());
    Ok((Arc::new(server), format!("http://127.0.0.1:{port}/")))
}

fn loop_over(server: &Arc<Server>, folder: &Path) {
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (server, folder) = (Arc::clone(server), folder.to_owned());
            std::thread::spawn(move || {
                while let Ok(request) = server.recv() {
                    answer(request, &folder);
                }
            })
        })
        .collect();
    for worker in workers {
        // A worker ends only with its server.
        let _ = worker.join();
    }
}

fn answer(request: Request, folder: &Path) {
    let file = find(folder, request.url()).and_then(|path| Some((File::open(&path).ok()?, path)));
    // A client that went away before its answer is no concern of ours.
    let _ = match file {
        Some((file, path)) => {
            let response = Response::from_file(file)
                .with_header(header("Content-Type", content_type(&path)))
                .with_header(header("Cache-Control", "no-cache"));
            request.respond(response)
        }
        None => request.respond(Response::from_string("not found\n").with_status_code(404)),
    };
}

/// The file that a URL names; folders mean their index.html. None for what is not there or would leave the folder.
fn find(folder: &Path, url: &str) -> Option<PathBuf> {
    let path = url.split(['?', '#']).next()?.trim_start_matches('/');
    let relative = PathBuf::from(path.replace("%20", " "));
    if !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return None;
    }
    let full = folder.join(relative);
    let full = if full.is_dir() { full.join("index.html") } else { full };
    full.is_file().then_some(full)
}

fn header(name: &str, value: &str) -> Header {
    Header::from_bytes(name.as_bytes(), value.as_bytes()).expect("header names and values here are constants")
}

fn content_type(path: &Path) -> &'static str {
    match path.extension().and_then(|e| e.to_str()).unwrap_or("") {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ttf" => "font/ttf",
        "md" => "text/markdown; charset=utf-8",
        "yaml" | "yml" => "text/yaml; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serves_what_is_in_the_folder_and_nothing_else() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(find(folder, "/Cargo.toml?x=1"), Some(folder.join("Cargo.toml")));
        assert_eq!(find(folder, "/src/main.rs#top"), Some(folder.join("src/main.rs")));
        for outside in ["/../value/Cargo.toml", "/src/../../value/Cargo.toml", "/nothing", "/src"] {
            assert_eq!(find(folder, outside), None, "{outside}");
        }
    }
}
