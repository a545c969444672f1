//! The tag of an image's name.

/// The tag: `latest` where neither a tag nor a digest is given, none where only a digest is, or where the name is no
/// image's name.
pub fn tag(image: &str) -> Option<&str> {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let after_slash = name.rfind('/').map_or(0, |at| at + 1);
    let (name, tag) = match name.get(after_slash..)?.rfind(':') {
        Some(colon) => (name.get(..after_slash + colon)?, name.get(after_slash + colon + 1..)),
        None => (name, None),
    };
    // What stands before the first slash is a host when it looks like one.
    let path = match name.split_once('/') {
        Some((host, path)) if host == "localhost" || host.contains(['.', ':']) => path,
        _ => name,
    };
    let good_part = |part: &str| {
        let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        alphanumeric(part.chars().next())
            && alphanumeric(part.chars().next_back())
            && part.chars().all(|c| alphanumeric(Some(c)) || matches!(c, '.' | '_' | '-'))
    };
    let good_tag = |tag: &str| {
        let mut letters = tag.chars();
        letters.next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
            && tag.len() <= 128
    };
    if !path.split('/').all(good_part) || !tag.is_none_or(good_tag) {
        return None;
    }
    match (tag, digest) {
        (Some(tag), _) => Some(tag),
        (None, Some(_)) => None,
        (None, None) => Some("latest"),
    }
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn finds_the_tag() {
        let cases = [
            ("nginx", Some("latest")),
            ("nginx:1.27", Some("1.27")),
            ("nginx:latest", Some("latest")),
            ("registry.example.com:5000/team/app", Some("latest")),
            ("registry.example.com:5000/team/app:v1", Some("v1")),
            ("localhost/app", Some("latest")),
            ("nginx@sha256:aaaa", None),
            ("nginx:1@sha256:aaaa", Some("1")),
            ("Nginx", None),
            ("", None),
            (" nginx ", None),
            ("nginx:", None),
        ];
        for (image, expected) in cases {
            assert_eq!(tag(image), expected, "{image}");
        }
    }
}
