//! Text in the cells of a terminal. What came from others is made visible first, so that every part of it takes cells.

use opendesk_std::home::printable;
use ratatui::buffer::CellWidth;
use ratatui::style::Style;
use ratatui::text::Span;

/// The most characters that are shown as one: letters with their marks have fewer, and a heap of marks hides what is
/// below it.
const CLUSTER: usize = 8;

/// The text as one line in which nothing is hidden: what would take no cell of its own is written as escapes.
pub(super) fn visible(text: &str) -> String {
    let printable = printable(text);
    let mut shown = String::with_capacity(printable.len());
    for cluster in clusters(&printable) {
        if cluster.cell_width() == 0 || cluster.chars().count() > CLUSTER {
            shown.extend(cluster.chars().flat_map(char::escape_unicode));
        } else {
            shown.push_str(cluster);
        }
    }
    shown
}

/// What is shown as one, in order. The same division is made when it is drawn.
fn clusters(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    core::iter::from_fn(move || {
        let length = Span::raw(rest).styled_graphemes(Style::new()).next()?.symbol.len();
        let (cluster, after) = rest.split_at(length);
        rest = after;
        Some(cluster)
    })
}

/// Visible text in so many cells; what is longer ends with `…`.
pub(super) fn cut(visible: &str, width: usize) -> String {
    let mut taken = 0;
    let mut kept = String::new();
    // Up to where it may go when there is more.
    let mut room = 0;
    for cluster in clusters(visible) {
        taken += usize::from(cluster.cell_width());
        if taken > width {
            kept.truncate(room);
            if width > 0 {
                kept.push('…');
            }
            return kept;
        }
        kept.push_str(cluster);
        if taken < width {
            room = kept.len();
        }
    }
    kept
}

/// Visible text in exactly so many cells: cut, or followed by spaces.
pub(super) fn fill(visible: &str, width: usize) -> String {
    let mut text = cut(visible, width);
    text.extend(core::iter::repeat_n(' ', width.saturating_sub(count(&text))));
    text
}

/// How many cells visible text takes.
fn count(visible: &str) -> usize {
    clusters(visible).map(|cluster| usize::from(cluster.cell_width())).sum()
}

/// Visible text in lines of so many cells, nothing left out. There is one line at least.
pub(super) fn wrap(visible: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let (mut line, mut taken) = (String::new(), 0);
    for cluster in clusters(visible) {
        let cells = usize::from(cluster.cell_width());
        if cells > width {
            // No line has room for it.
            for character in cluster.chars().flat_map(char::escape_unicode) {
                if taken == width {
                    lines.push(core::mem::take(&mut line));
                    taken = 0;
                }
                line.push(character);
                taken += 1;
            }
            continue;
        }
        if taken + cells > width {
            lines.push(core::mem::take(&mut line));
            taken = 0;
        }
        line.push_str(cluster);
        taken += cells;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_written_takes_a_cell() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}"), "a\\u{1b}[2Jb\\u{202e}");
        assert_eq!(visible("\u{301}a"), "\\u{301}a");
        assert_eq!(visible("e\u{301}日"), "e\u{301}日");
        let heap = visible(&format!("e{}", "\u{301}".repeat(9)));
        assert!(heap.starts_with("\\u{65}\\u{301}"), "{heap}");
        for text in ["\u{1b}", "\u{200b}", "\u{301}", "\u{1160}", "👩\u{200d}👩", "❤\u{fe0f}", "ｶﾞ"] {
            let shown = visible(text);
            assert!(clusters(&shown).all(|cluster| cluster.cell_width() > 0), "{text:?} {shown:?}");
        }
    }

    #[test]
    fn the_clusters_are_the_whole_text() {
        for text in ["", "abc", "e\u{301}x", "日本🇩🇪🇩🇪", "\\u{1b}"] {
            assert_eq!(clusters(text).collect::<String>(), text);
        }
    }

    #[test]
    fn what_is_longer_is_cut_with_a_mark() {
        let cuts = [0, 1, 2, 3, 4].map(|width| cut("abc", width));
        assert_eq!(cuts, ["", "…", "a…", "abc", "abc"]);
        let cuts = [1, 2, 3, 4, 5].map(|width| cut("日本x", width));
        assert_eq!(cuts, ["…", "…", "日…", "日…", "日本x"]);
        assert_eq!(cut("", 0), "");
        assert_eq!([fill("日本x", 4), fill("日", 4), fill("", 0)], ["日… ", "日  ", ""]);
    }

    #[test]
    fn lines_are_full_and_lose_nothing() {
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap("abcdefg", 3), ["abc", "def", "g"]);
        assert_eq!(wrap("日本x", 3), ["日", "本x"]);
        assert_eq!(wrap("日x", 1).concat(), "\\u{65e5}x");
        let long = "äe\u{301}日 ".repeat(100);
        for width in 2..40 {
            let lines = wrap(&long, width);
            assert_eq!(lines.concat(), long);
            assert!(lines.iter().all(|line| count(line) <= width));
        }
    }
}
