//! The keysyms of the time before Unicode, which most keyboard layouts still use.
//!
//! Only the scripts that layouts put on the first two levels of a key are listed: a character that is missing
//! here is typed all the same, on a borrowed key.

/// First keysym, last keysym, what the first one stands for: blocks in the order of Unicode.
const BLOCKS: &[(u32, u32, u32)] = &[
    // Arabic
    (0x5ac, 0x5ac, 0x60c),
    (0x5bb, 0x5bb, 0x61b),
    (0x5bf, 0x5bf, 0x61f),
    (0x5c1, 0x5da, 0x621),
    (0x5e0, 0x5f2, 0x640),
    // Hebrew
    (0xce0, 0xcfa, 0x5d0),
    // Thai
    (0xda1, 0xdda, 0xe01),
    (0xddf, 0xded, 0xe3f),
    (0xdf0, 0xdf9, 0xe50),
];

/// First keysym and what it and the following ones stand for; a space is a number that no keysym has.
const TABLES: &[(u32, &str)] = &[
    // Latin 2, 3 and 4
    (0x1a1, "Ą˘Ł ĽŚ  ŠŞŤŹ ŽŻ ą˛ł ľśˇ šşťź˝žżŔ  Ă ĹĆ Č Ę Ě  ĎĐŃŇ  Ő  ŘŮ Ű  Ţ ŕ  ă ĺć č ę ě  ďđńň  ő  řů ű  ţ˙"),
    (0x2a1, "Ħ    Ĥ  İ ĞĴ    ħ    ĥ  ı ğĵ        ĊĈ              Ġ  Ĝ    ŬŜ      ċĉ              ġ  ĝ    ŭŝ"),
    (0x3a2, "ĸŖ ĨĻ   ĒĢŦ      ŗ ĩļ   ēģŧŊ ŋĀ      Į    Ė  Ī ŅŌĶ     Ų   ŨŪ ā      į    ė  ī ņōķ     ų   ũū"),
    // Cyrillic
    (0x6a1, "ђѓёєѕіїјљњћќґўџ№ЂЃЁЄЅІЇЈЉЊЋЌҐЎЏюабцдефгхийклмнопярстужвьызшэщчъЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ"),
    // Greek
    (0x7a1, "ΆΈΉΊΪ ΌΎΫ Ώ  ΅― άέήίϊΐόύϋΰώ     ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣ ΤΥΦΧΨΩ       αβγδεζηθικλμνξοπρσςτυφχψω"),
    // arrows, publishing
    (0x8fb, "←↑→↓"),
    (0xaa9, "—–   …‥⅓⅔⅕⅖⅗⅘⅙⅚℅  ‒       ⅛⅜⅝⅞  ™      ‘’“”℞‰′″ ✝                  ♣♦♥ ✠†‡✓✗♯♭♂♀☎⌕℗‸‚„"),
    // Latin 9
    (0x13bc, "ŒœŸ"),
    (0x20ac, "€"),
];

/// The character that a keysym of this kind stands for.
pub(super) fn char_of(keysym: u32) -> Option<char> {
    if let Some((first, _, character)) = BLOCKS.iter().find(|(first, last, _)| (*first..=*last).contains(&keysym)) {
        return char::from_u32(character + (keysym - first));
    }
    let (first, characters) = TABLES.iter().rev().find(|(first, _)| *first <= keysym)?;
    let index = usize::try_from(keysym - first).ok()?;
    characters.chars().nth(index).filter(|character| *character != ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keysyms_of_every_script_are_known() {
        for (keysym, character) in [
            (0x1a1, 'Ą'),
            (0x1b3, 'ł'),
            (0x1ec, 'ě'),
            (0x1ff, '˙'),
            (0x2a1, 'Ħ'),
            (0x2b9, 'ı'),
            (0x2fe, 'ŝ'),
            (0x3bd, 'Ŋ'),
            (0x3fe, 'ū'),
            (0x5c7, 'ا'),
            (0x6a3, 'ё'),
            (0x6b0, '№'),
            (0x6c0, 'ю'),
            (0x6ca, 'й'),
            (0x6ff, 'Ъ'),
            (0x7c1, 'Α'),
            (0x7e1, 'α'),
            (0x7f3, 'ς'),
            (0x7f9, 'ω'),
            (0xaa9, '—'),
            (0xad2, '“'),
            (0xce0, 'א'),
            (0xcfa, 'ת'),
            (0xda1, 'ก'),
            (0x13bd, 'œ'),
            (0x20ac, '€'),
        ] {
            assert_eq!(char_of(keysym), Some(character), "{keysym:#x}");
        }
    }

    #[test]
    fn numbers_between_the_keysyms_are_nothing() {
        for keysym in [0, 0x41, 0x100, 0x1a4, 0x1a0, 0x200, 0x2ff, 0x700, 0x7ff, 0x13bf, 0x20ad, 0xff0d, u32::MAX] {
            assert_eq!(char_of(keysym), None, "{keysym:#x}");
        }
    }

    #[test]
    fn tables_stand_in_order_and_do_not_overlap() {
        for pair in TABLES.windows(2) {
            let length = u32::try_from(pair[0].1.chars().count()).unwrap();
            assert!(pair[0].0 + length <= pair[1].0, "{:#x}", pair[1].0);
        }
        for (first, last, _) in BLOCKS {
            for (start, characters) in TABLES {
                let end = start + u32::try_from(characters.chars().count()).unwrap();
                assert!(*last < *start || *first >= end, "{first:#x}");
            }
        }
    }
}
