//! A static file server on loopback, as any static host would serve the page.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::Outcome;

/// How long to wait when a connection cannot be taken.
const RETRY: Duration = Duration::from_millis(100);

/// Serves `folder` on loopback until the process is stopped, and prints the address.
pub fn forever(folder: &Path, port: u16) -> Outcome {
    let (listener, address) = listen(port)?;
    println!("Drydock is at {address} (Ctrl-C stops it)");
    accept(listener, folder.into())
}

/// Serves `folder` on a free port of loopback in the background; the address ends with a slash.
pub fn background(folder: &Path) -> Outcome<String> {
    let (listener, address) = listen(0)?;
    let folder = folder.into();
    // It ends with the process; why it ends before, the one who asks it will see.
    std::thread::spawn(move || accept(listener, folder));
    Ok(address)
}

fn listen(port: u16) -> Outcome<(std::net::TcpListener, String)> {
    let refused = |error| format!("port {port} cannot be served: {error}. Name another with --port");
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, format!("http://{address}/")))
}

/// Answers every connection for itself, so that none waits for another's end.
fn accept(listener: std::net::TcpListener, folder: Arc<Path>) -> Outcome {
    let why = |error: std::io::Error| format!("the page is not served any longer: {error}");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(why)?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener).map_err(why)?;
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                // Too many open files, say: others will be closed.
                tokio::time::sleep(RETRY).await;
                continue;
            };
            let folder = Arc::clone(&folder);
            let serve = service_fn(move |request| answer(request, Arc::clone(&folder)));
            // A client that went away before its answer is no concern of ours.
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), serve));
        }
    })
}

async fn answer(request: Request<Incoming>, folder: Arc<Path>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let found = tokio::task::spawn_blocking(move || {
        let file = find(&folder, &path)?;
        Some((std::fs::read(&file).ok()?, content_type(&file)))
    });
    let Ok(Some((bytes, kind))) = found.await else {
        let mut missing = Response::new(Full::from("not found\n"));
        *missing.status_mut() = StatusCode::NOT_FOUND;
        return Ok(missing);
    };
    let mut response = Response::new(Full::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
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
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn connections_that_say_nothing_keep_nobody_waiting() {
        let address = background(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let host = address.trim_start_matches("http://").trim_end_matches('/');
        let _silent: Vec<_> = (0..32).map(|_| TcpStream::connect(host).unwrap()).collect();
        for (path, wanted) in [("/Cargo.toml", "HTTP/1.1 200 OK"), ("/nothing", "HTTP/1.1 404 Not Found")] {
            let mut asking = TcpStream::connect(host).unwrap();
            write!(asking, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            asking.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with(wanted), "{path}: {answer}");
        }
    }

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
