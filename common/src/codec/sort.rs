//! Plain CBOR as our own writer makes it, with the keys of its maps put in order.

/// The deterministic encoding of what `bytes` say. `None` where they hold something that
/// our writer does not put into documents (indefinite lengths, floating-point numbers).
pub(super) fn sorted(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut sorter = Sorter {
        rest: bytes,
        out: Vec::with_capacity(bytes.len()),
    };
    sorter.item()?;
    sorter.rest.is_empty().then_some(sorter.out)
}

struct Sorter<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
}

/// Where an entry of a map stands in the output: its key, its value, its end.
type Entry = (usize, usize, usize);

impl Sorter<'_> {
    fn item(&mut self) -> Option<()> {
        let initial = *self.rest.first()?;
        let (major, info) = (initial >> 5, initial & 0x1f);
        let width = match info {
            0..=23 => 0,
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        let argument = self.rest.get(1..=width)?;
        let argument = match width {
            0 => u64::from(info),
            _ => argument
                .iter()
                .fold(0, |value: u64, byte| value << 8 | u64::from(*byte)),
        };
        self.copy(1 + width)?;
        match major {
            0 | 1 => Some(()),
            2 | 3 => self.copy(usize::try_from(argument).ok()?),
            4 => (0..argument).try_for_each(|_| self.item()),
            5 => self.map(argument),
            6 => self.item(),
            _ => (20..=22).contains(&info).then_some(()),
        }
    }

    fn map(&mut self, length: u64) -> Option<()> {
        let begin = self.out.len();
        let mut entries: Vec<Entry> = Vec::new();
        for _ in 0..length {
            let key = self.out.len();
            self.item()?;
            let value = self.out.len();
            self.item()?;
            entries.push((key, value, self.out.len()));
        }
        let out = &self.out;
        let key = |(key, value, _): &Entry| &out[*key..*value];
        if entries.is_sorted_by(|a, b| key(a) <= key(b)) {
            return Some(());
        }
        entries.sort_by(|a, b| key(a).cmp(key(b)));
        let mut in_order = Vec::with_capacity(out.len() - begin);
        for (key, _, end) in entries {
            in_order.extend_from_slice(&out[key..end]);
        }
        self.out.truncate(begin);
        self.out.extend_from_slice(&in_order);
        Some(())
    }

    fn copy(&mut self, length: usize) -> Option<()> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.out.extend_from_slice(taken);
        self.rest = rest;
        Some(())
    }
}
