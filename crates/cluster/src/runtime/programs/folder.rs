//! Files and lists of folders as Go's file server has them.

use drydock_shell::{Vfs, join};

use super::http::{self, Response};

/// What a path leads to; none when it leads nowhere.
pub fn serve(files: &Vfs, path: &str) -> Option<Response> {
    let index = join(path, "index.html");
    let file = if files.is_dir(path) && files.exists(&index) { index } else { path.to_owned() };
    if files.is_dir(&file) {
        let mut text =
            String::from("<!doctype html>\n<meta name=\"viewport\" content=\"width=device-width\">\n<pre>\n");
        for entry in files.list(&file).unwrap_or_default() {
            let name = format!("{}{}", entry.name, if entry.stat.is_dir() { "/" } else { "" });
            text.push_str(&format!("<a href=\"{name}\">{name}</a>\n"));
        }
        text.push_str("</pre>\n");
        return Some(Response::new(200, "text/html; charset=utf-8", text));
    }
    let bytes = files.read(&file).ok()?;
    let kind = http::content_type(&file).unwrap_or("text/plain; charset=utf-8");
    Some(Response::new(200, kind, bytes.as_slice()))
}
