//! How a text falls into rows of a fixed width: between words where it can, inside a word where it must.

use core::ops::Range;

use super::editor::Splice;

/// A tab reaches to the next multiple of this many columns.
const TAB: usize = 4;

/// The rows of a text. It is told of every change and wraps only what the change touched.
#[derive(Debug)]
pub(super) struct Wrap {
    columns: usize,
    /// Where each row starts; the first is always 0.
    starts: Vec<usize>,
}

impl Wrap {
    /// The one row of an empty text. A row holds `columns` characters, and one space more at its end.
    pub(super) fn new(columns: usize) -> Self {
        Self { columns: columns.max(1), starts: vec![0] }
    }

    /// The number of rows, at least one.
    pub(super) const fn rows(&self) -> usize {
        self.starts.len()
    }

    /// The row that shows the character, or the caret, at an index.
    pub(super) fn row_of(&self, index: usize) -> usize {
        self.starts.partition_point(|start| *start <= index).saturating_sub(1)
    }

    /// The characters of a row, with the line feed that ends it.
    pub(super) fn range(&self, chars: &[char], row: usize) -> Range<usize> {
        let start = |row: usize| self.starts.get(row).copied().unwrap_or(chars.len());
        start(row)..start(row + 1)
    }

    /// The column of the character, or the caret, at an index, in its row.
    pub(super) fn column_of(&self, chars: &[char], index: usize) -> usize {
        let start = self.range(chars, self.row_of(index)).start;
        chars[start..index].iter().fold(0, |column, c| column + self.cells(*c, column))
    }

    /// The place for a caret nearest to a column of a row.
    pub(super) fn index_at(&self, chars: &[char], row: usize, wanted: usize) -> usize {
        let range = self.range(chars, row);
        let mut column = 0;
        for (index, c) in range.clone().zip(&chars[range.clone()]) {
            let next = column + self.cells(*c, column);
            if *c == '\n' || column >= wanted || (next > wanted && wanted - column < next - wanted) {
                return index;
            }
            column = next;
        }
        // A caret behind the last character of a wrapped row would stand on the next row.
        if row + 1 < self.rows() { range.end - 1 } else { range.end }
    }

    /// How many columns a character takes when it starts at one. A tab never reaches beyond the row.
    pub(super) fn cells(&self, character: char, column: usize) -> usize {
        if character == '\t' { (TAB - column % TAB).min(self.columns.saturating_sub(column)).max(1) } else { 1 }
    }

    /// Follows a change; `chars` is the text after it.
    pub(super) fn update(&mut self, chars: &[char], splice: Splice) {
        // A row ends where it does because of a character of the next row at the latest, so a change can move
        // the end of the row before its own, but of none earlier.
        let first = self.row_of(splice.at).saturating_sub(1);
        let mut former = self.starts.split_off(first + 1).into_iter().peekable();
        let mut start = self.starts[first];
        loop {
            let end = self.row_end(chars, start);
            if end == start || (end == chars.len() && chars.last() != Some(&'\n')) {
                return;
            }
            if end >= splice.at + splice.inserted {
                let before = end - splice.inserted + splice.removed;
                while former.next_if(|start| *start < before).is_some() {}
                if former.peek() == Some(&before) {
                    self.starts.extend(former.map(|start| start - splice.removed + splice.inserted));
                    return;
                }
            }
            self.starts.push(end);
            start = end;
        }
    }

    /// Where the row that starts at `start` ends, which depends on nothing before it.
    fn row_end(&self, chars: &[char], start: usize) -> usize {
        let mut column = 0;
        let mut word = None;
        for (index, c) in chars.iter().enumerate().skip(start) {
            if *c == '\n' {
                return index + 1;
            }
            if column >= self.columns {
                return if *c == ' ' { index + 1 } else { word.unwrap_or(index) };
            }
            column += self.cells(*c, column);
            if matches!(c, ' ' | '\t') {
                word = Some(index + 1);
            }
        }
        chars.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrap(columns: usize, text: &str) -> (Wrap, Vec<char>) {
        let chars: Vec<char> = text.chars().collect();
        let mut wrap = Wrap::new(columns);
        wrap.update(&chars, Splice { at: 0, removed: 0, inserted: chars.len() });
        (wrap, chars)
    }

    fn rows(columns: usize, text: &str) -> Vec<String> {
        let (wrap, chars) = wrap(columns, text);
        (0..wrap.rows()).map(|row| chars[wrap.range(&chars, row)].iter().collect()).collect()
    }

    #[test]
    fn rows_break_between_words_where_they_can() {
        assert_eq!(rows(5, ""), [""]);
        assert_eq!(rows(5, "ab\n\nc\n"), ["ab\n", "\n", "c\n", ""]);
        assert_eq!(rows(5, "one two three"), ["one ", "two ", "three"]);
        assert_eq!(rows(5, "three one"), ["three ", "one"]);
        assert_eq!(rows(5, "abcdefgh"), ["abcde", "fgh"]);
        assert_eq!(rows(6, "ab\tcdefghi"), ["ab\t", "cdefgh", "i"]);
    }

    #[test]
    fn carets_and_places_agree() {
        let (wrap, chars) = wrap(5, "one two\nab\tc\n");
        for index in 0..=chars.len() {
            let (row, column) = (wrap.row_of(index), wrap.column_of(&chars, index));
            assert_eq!(wrap.index_at(&chars, row, column), index);
        }
        assert_eq!(wrap.index_at(&chars, 0, usize::MAX), 3);
        assert_eq!(wrap.index_at(&chars, 1, usize::MAX), 7);
        assert_eq!((wrap.index_at(&chars, 2, 3), wrap.column_of(&chars, 11)), (11, 4));
        assert_eq!(wrap.index_at(&chars, 3, 9), 13);
    }

    #[test]
    fn a_change_wraps_as_the_whole_text_does() {
        let mut noise = 1_u32;
        let mut below = |limit: usize| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 8) as usize % limit
        };
        for columns in 1..12 {
            let mut chars: Vec<char> = Vec::new();
            let mut wrap = Wrap::new(columns);
            for _ in 0..400 {
                let at = below(chars.len() + 1);
                let removed = below(6).min(chars.len() - at);
                let inserted: Vec<char> =
                    (0..below(7)).map(|_| ['a', 'b', 'c', 'd', ' ', ' ', '\t', '\n'][below(8)]).collect();
                let splice = Splice { at, removed, inserted: inserted.len() };
                chars.splice(at..at + removed, inserted);
                wrap.update(&chars, splice);

                let mut whole = Wrap::new(columns);
                whole.update(&chars, Splice { at: 0, removed: 0, inserted: chars.len() });
                assert_eq!(wrap.starts, whole.starts, "{chars:?} in {columns} columns");
            }
        }
    }
}
