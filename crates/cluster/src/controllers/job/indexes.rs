//! Sets of completion indexes, written as Kubernetes does: `0,2-5,7`.

use drydock_sorted::SortedSet;

/// A set of indexes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Indexes(SortedSet<i64>);

/// The most indexes that a text may stand for.
const MOST: i64 = 100_000;

impl Indexes {
    /// Reads a text; what is none is left out.
    pub fn parse(text: &str) -> Indexes {
        let mut set = SortedSet::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            if let (Ok(first), Ok(last)) = (first.trim().parse::<i64>(), last.trim().parse::<i64>()) {
                set.extend(first..=last.min(first.saturating_add(MOST)));
            }
        }
        Indexes(set)
    }

    /// Adds an index.
    pub fn insert(&mut self, index: i64) {
        self.0.insert(index);
    }

    /// Whether an index is in it.
    pub fn contains(&self, index: i64) -> bool {
        self.0.contains(&index)
    }

    /// How many there are.
    pub fn len(&self) -> i64 {
        i64::try_from(self.0.len()).unwrap_or(i64::MAX)
    }

    /// How many are in both.
    pub fn common(&self, other: &Indexes) -> i64 {
        i64::try_from(self.0.intersection(&other.0).count()).unwrap_or(i64::MAX)
    }
}

impl std::fmt::Display for Indexes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut runs: Vec<(i64, i64)> = Vec::new();
        for index in &self.0 {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == *index => *last = *index,
                _ => runs.push((*index, *index)),
            }
        }
        let texts: Vec<String> = runs
            .into_iter()
            .map(|(first, last)| match last - first {
                0 => first.to_string(),
                1 => format!("{first},{last}"),
                _ => format!("{first}-{last}"),
            })
            .collect();
        f.write_str(&texts.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_three_and_more_are_shortened() {
        for (text, canonical, count) in
            [("", "", 0), ("0-2", "0-2", 3), ("1,2", "1,2", 2), ("5,0,1,2,3", "0-3,5", 5), ("0,1,3", "0,1,3", 3)]
        {
            let set = Indexes::parse(text);
            assert_eq!((set.to_string().as_str(), set.len()), (canonical, count), "{text}");
        }
    }
}
