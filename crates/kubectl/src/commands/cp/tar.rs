//! Tar archives, as far as copying files needs them: regular files and folders in the ustar format.

/// One member of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its path.
    pub path: String,
    /// Its bytes; None for a folder.
    pub bytes: Option<Vec<u8>>,
}

const BLOCK: usize = 512;

/// An archive of these members.
pub fn write(members: &[Member]) -> Vec<u8> {
    let mut out = Vec::new();
    for member in members {
        let size = member.bytes.as_ref().map_or(0, Vec::len);
        if member.path.len() > 100 {
            // GNU's way of long names: a member of its own that holds the name.
            let mut name = member.path.clone().into_bytes();
            name.push(0);
            header(&mut out, "././@LongLink", b'L', name.len());
            data(&mut out, &name);
        }
        let short: String = member.path.chars().take(100).collect();
        header(&mut out, &short, if member.bytes.is_some() { b'0' } else { b'5' }, size);
        if let Some(bytes) = &member.bytes {
            data(&mut out, bytes);
        }
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

fn header(out: &mut Vec<u8>, name: &str, kind: u8, size: usize) {
    let mut block = [0_u8; BLOCK];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(slot) = block.get_mut(at..at + bytes.len()) {
            slot.copy_from_slice(bytes);
        }
    };
    let name = name.as_bytes();
    put(0, name.get(..name.len().min(100)).unwrap_or_default());
    put(100, if kind == b'5' { b"0000755\0" } else { b"0000644\0" });
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    if let Some(slot) = block.get_mut(148..156) {
        slot.copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
    out.extend_from_slice(&block);
}

fn data(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
    out.resize(out.len().div_ceil(BLOCK) * BLOCK, 0);
}

/// The members of an archive, as far as it can be read. Links and devices are left out.
pub fn read(bytes: &[u8]) -> Vec<Member> {
    let mut members = Vec::new();
    let mut long_name = None;
    let mut rest = bytes;
    while let Some((block, after)) = rest.split_at_checked(BLOCK) {
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        let text = |from: usize, to: usize| {
            let field = block.get(from..to).unwrap_or_default();
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
            String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
        };
        let size = usize::from_str_radix(text(124, 136).trim(), 8).unwrap_or(0);
        let Some(content) = after.get(..size) else { break };
        rest = after.get(size.div_ceil(BLOCK) * BLOCK..).unwrap_or_default();
        let kind = block.get(156).copied().unwrap_or(0);
        if kind == b'L' {
            long_name = Some(String::from_utf8_lossy(content).trim_end_matches('\0').to_owned());
            continue;
        }
        let prefix = if text(257, 262) == "ustar" { text(345, 500) } else { String::new() };
        let name = text(0, 100);
        let path =
            long_name.take().unwrap_or_else(|| if prefix.is_empty() { name } else { format!("{prefix}/{name}") });
        match kind {
            b'0' | 0 => members.push(Member { path, bytes: Some(content.to_vec()) }),
            b'5' => members.push(Member { path, bytes: None }),
            _ => {}
        }
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let members = vec![
            Member { path: "d".into(), bytes: None },
            Member { path: "d/one".into(), bytes: Some(b"1\n".to_vec()) },
            Member { path: format!("d/{}", "x".repeat(120)), bytes: Some(vec![7; 600]) },
            Member { path: "d/empty".into(), bytes: Some(Vec::new()) },
        ];
        let archive = write(&members);
        assert_eq!(archive.len() % BLOCK, 0);
        assert_eq!(read(&archive), members);
        assert_eq!(read(&archive[..700]), [Member { path: "d".into(), bytes: None }]);
    }
}
