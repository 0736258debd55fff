//! What the recogniser writes: lines of tab-separated values, of which those of level 5 are words.

use crate::api::{OcrWord, Rect};

const WORD: &str = "5";

/// The fields of a line.
const FIELDS: usize = 12;

/// Words that stand in one line, as the recogniser sees it.
struct Line<'a> {
    /// Page, block, paragraph and line.
    key: [&'a str; 4],
    words: Vec<Word<'a>>,
}

struct Word<'a> {
    text: &'a str,
    confidence: f64,
    /// In pixels of the picture that was read.
    bounds: Rect,
}

/// The words in reading order, with their lines numbered from 0. `place` tells where a part of the picture is on the
/// desktop.
pub(super) fn words(tsv: &str, place: impl Fn(Rect) -> Rect) -> Vec<OcrWord> {
    let word = |(number, word): (u32, Word<'_>)| OcrWord {
        text: word.text.to_owned(),
        bounds: place(word.bounds),
        confidence: word.confidence,
        line: number,
    };
    let lines = (0..).zip(in_reading_order(lines(tsv)));
    lines.flat_map(|(number, line)| line.words.into_iter().map(move |word| (number, word))).map(word).collect()
}

fn lines(tsv: &str) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (key, word) in tsv.lines().filter_map(parse) {
        match lines.last_mut() {
            Some(line) if line.key == key => line.words.push(word),
            _ => lines.push(Line { key, words: vec![word] }),
        }
    }
    lines
}

/// A word with the key of its line; `None` for what is no word or not even held for one.
fn parse(line: &str) -> Option<([&str; 4], Word<'_>)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [level, page, block, paragraph, line, _, left, top, width, height, confidence, text] =
        <[&str; FIELDS]>::try_from(fields).ok()?;
    let number = |field: &str| field.parse::<f64>().ok().filter(|number| number.is_finite());
    let bounds = Rect::new(number(left)?, number(top)?, number(width)?, number(height)?);
    let confidence = number(confidence).filter(|confidence| *confidence >= 0.0)?.min(100.0);
    let text = text.trim();
    let is_word = level == WORD && !text.is_empty();
    is_word.then_some(([page, block, paragraph, line], Word { text, confidence, bounds }))
}

/// From the top, and from the left what stands side by side.
fn in_reading_order<'a>(mut lines: Vec<Line<'a>>) -> Vec<Line<'a>> {
    lines.sort_by(|one, other| one.middle().total_cmp(&other.middle()));
    let mut ordered: Vec<Line<'a>> = Vec::with_capacity(lines.len());
    let mut row: Vec<Line<'a>> = Vec::new();
    let mut flush = |row: &mut Vec<Line<'a>>| {
        row.sort_by(|one, other| one.left().total_cmp(&other.left()));
        ordered.append(row);
    };
    for line in lines {
        if row.first().is_some_and(|first| line.middle() >= first.bottom()) {
            flush(&mut row);
        }
        row.push(line);
    }
    flush(&mut row);
    ordered
}

impl Line<'_> {
    fn left(&self) -> f64 {
        self.words.iter().map(|word| word.bounds.x).fold(f64::INFINITY, f64::min)
    }

    fn top(&self) -> f64 {
        self.words.iter().map(|word| word.bounds.y).fold(f64::INFINITY, f64::min)
    }

    fn bottom(&self) -> f64 {
        self.words.iter().map(|word| word.bounds.y + word.bounds.height).fold(f64::NEG_INFINITY, f64::max)
    }

    fn middle(&self) -> f64 {
        f64::midpoint(self.top(), self.bottom())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As tesseract 5.3.0 wrote it of a part of a form, the order of the blocks changed.
    const RECORDED: &str = "\
        level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n\
        1\t1\t0\t0\t0\t0\t0\t0\t936\t840\t-1\t\n\
        2\t1\t1\t0\t0\t0\t225\t498\t84\t22\t-1\t\n\
        3\t1\t1\t1\t0\t0\t225\t498\t84\t22\t-1\t\n\
        4\t1\t1\t1\t1\t0\t225\t498\t84\t22\t-1\t\n\
        5\t1\t1\t1\t1\t1\t225\t498\t84\t22\t96.459297\tCancel\n\
        4\t1\t2\t1\t1\t0\t78\t502\t61\t18\t-1\t\n\
        5\t1\t2\t1\t1\t1\t78\t502\t61\t18\t96.733345\tSave\n\
        4\t1\t3\t1\t1\t0\t44\t66\t135\t20\t-1\t\n\
        5\t1\t3\t1\t1\t1\t44\t66\t54\t20\t96.321053\tFirst\n\
        5\t1\t3\t1\t1\t2\t110\t70\t69\t16\t96.321053\tname\n\
        4\t1\t4\t1\t1\t0\t398\t498\t182\t22\t-1\t\n\
        5\t1\t4\t1\t1\t1\t398\t498\t83\t22\t96.044006\tDelete\n\
        5\t1\t4\t1\t1\t2\t491\t498\t89\t22\t95.9\taccount\n\
        4\t1\t5\t1\t1\t0\t269\t310\t141\t20\t-1\t\n\
        5\t1\t5\t1\t1\t1\t269\t310\t141\t20\t12.5\tececeeo\n\
        5\t1\t6\t1\t1\t1\t0\t0\t936\t840\t95\t \n\
        5\t1\t7\t1\t1\t1\t10\t10\t936\t840\t-1\tghost\n";

    #[test]
    fn words_come_in_reading_order_with_their_lines() {
        let words = words(RECORDED, |part| part);
        let told: Vec<(u32, &str)> = words.iter().map(|word| (word.line, word.text.as_str())).collect();
        let expected =
            [(0, "First"), (0, "name"), (1, "ececeeo"), (2, "Save"), (3, "Cancel"), (4, "Delete"), (4, "account")];
        assert_eq!(told, expected);
        assert_eq!(words[0].bounds, Rect::new(44.0, 66.0, 54.0, 20.0));
        assert_eq!(words[2].confidence, 12.5);
    }

    #[test]
    fn parts_are_placed() {
        let half = |part: Rect| Rect::new(part.x / 2.0, part.y / 2.0, part.width / 2.0, part.height / 2.0);
        assert_eq!(words(RECORDED, half)[1].bounds, Rect::new(55.0, 35.0, 34.5, 8.0));
    }

    #[test]
    fn what_is_no_line_of_words_is_passed_over() {
        for text in [
            "",
            "\t\t\t",
            "level\tpage",
            "5\t1\t1\t1\t1\t1\t1\t1\t1\t1\t95",
            "5\t1\t1\t1\t1\t1\tx\t1\t1\t1\t95\tword",
            "5\t1\t1\t1\t1\t1\t1\t1\tNaN\t1\t95\tword",
            "5\t1\t1\t1\t1\t1\t1\t1\t1\tinf\t95\tword",
            "5\t1\t1\t1\t1\t1\t1\t1\t1\t1\t95\tword\tmore",
            "4\t1\t1\t1\t1\t1\t1\t1\t1\t1\t95\tword",
            "\n[opendesk: 10 bytes more were not kept]\n",
        ] {
            assert!(words(text, |part| part).is_empty(), "{text:?}");
        }
        let sure = words("5\t1\t1\t1\t1\t1\t1\t1\t1\t1\t250\tword", |part| part);
        assert_eq!(sure[0].confidence, 100.0);
    }
}
