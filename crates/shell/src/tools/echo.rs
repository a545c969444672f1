//! `echo`.

use super::Call;
use crate::shell::quote::unescape;

/// What `echo` prints. With `xpg`, escapes always count and there is no option but `-n`, as in Debian's `sh`.
pub(crate) fn output(words: &[String], xpg: bool) -> Vec<u8> {
    let (mut newline, mut escapes) = (true, xpg);
    let mut at = 0;
    while let Some(letters) = words.get(at).and_then(|word| word.strip_prefix('-')) {
        let known = !letters.is_empty() && letters.chars().all(|c| c == 'n' || (!xpg && matches!(c, 'e' | 'E')));
        if !known {
            break;
        }
        for letter in letters.chars() {
            match letter {
                'n' => newline = false,
                'e' => escapes = true,
                _ => escapes = false,
            }
        }
        at += 1;
    }
    let text = words.get(at..).unwrap_or_default().join(" ");
    let mut out = if escapes {
        let (bytes, stopped) = unescape(&text, false);
        newline &= !stopped;
        bytes
    } else {
        text.into_bytes()
    };
    if newline {
        out.push(b'\n');
    }
    out
}

pub(super) fn run(call: &mut Call<'_, '_>) -> i32 {
    let bytes = output(&call.args, false);
    call.put(&bytes);
    0
}
